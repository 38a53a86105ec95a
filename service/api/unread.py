"""Connections of clients that vanished, or do not read, end after a while.

A program hands its answer to the kernel and hears no more of it. Where the client is gone without a word (its network
failed, its machine was switched off) the kernel of Linux goes on sending for a quarter of an hour; where the client is
there and reads nothing it goes on asking for ever. Connections have the patience of their listening socket.
"""

import os
import socket
import sys
from collections.abc import Iterable
from typing import Final

UNREAD_SECONDS: Final = 60.0
"""How long a connection may hold what its client takes nothing of, beyond the time after which a live session is told
that it does not read."""


def bound(listening: Iterable[socket.socket], seconds: float) -> None:
    """Let connections accepted from now on end where, for `seconds`, the client has not taken what was sent to it.

    Of what the program has not handed to the kernel yet it hears as of a lost connection. Without effect where the
    system is not Linux.
    """
    if sys.platform != "linux":
        return
    for one in listening:
        # A copy of a descriptor is the same socket, whatever the event loop makes of its own.
        with socket.socket(fileno=os.dup(one.fileno())) as same:
            same.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
