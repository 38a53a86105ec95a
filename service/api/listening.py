"""Closing listening sockets so that nobody who has connected is cut off.

The kernel completes connections before the program accepts them, and `close()` resets those that wait. A balancer sees
such a connection break after it has sent its request, and may not send a POST again: that request fails. So, first,
no further connection may begin; then all that have begun are accepted; then the socket is closed, and balancers are
refused, which they answer by going elsewhere.
"""

import asyncio
import ctypes
import logging
import os
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final

_LOG = logging.getLogger(__name__)

HANDSHAKE_SECONDS: Final = 0.2
"""How long a connection that has begun may take to stand: more than a round trip to any balancer."""

_SO_ATTACH_FILTER: Final = 26
"""socket(7), on every architecture that this service is built for; Python has no name for it."""

# Classic BPF over the TCP header, whose byte 13 holds the flags (RFC 9293, section 3.1): a packet with SYN, which asks
# for a new connection, is dropped; every other one passes. An accepted connection inherits the filter and has no SYN.
_SYN: Final = 0x02
_DROP_SYN: Final = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte at offset 13
        (0x45, 0, 1, _SYN),  # skip the next instruction unless it has this bit
        (0x06, 0, 0, 0),  # keep nothing of the packet
        (0x06, 0, 0, 0xFFFF_FFFF),  # keep all of it
    )
)


async def stop_listening(servers: Iterable[asyncio.Server]) -> None:
    """Close `servers`; whoever had connected is accepted, whoever comes later is refused.

    Whoever comes while it runs, which is a fifth of a second, tries again a second after, by themselves, and is refused
    then. Connections that were accepted go on. Where the system has no socket filters, the log says so, and
    connections that come in the very moment of closing may be reset.
    """
    servers = list(servers)
    with ExitStack() as copies:
        for server in servers:
            for listening in server.sockets:
                # uvloop's sockets take no options; a copy of the descriptor means the same socket.
                _refuse_handshakes(copies.enter_context(socket.socket(fileno=os.dup(listening.fileno()))))
    await asyncio.sleep(HANDSHAKE_SECONDS)
    for _ in range(2):  # loops differ in whether time-outs or sockets come first: let them look once more at both
        await asyncio.sleep(0)
    for server in servers:
        server.close()


def _refuse_handshakes(listening: socket.socket) -> None:
    """Let no further connection begin at this socket."""
    if sys.platform != "linux" or listening.family not in (socket.AF_INET, socket.AF_INET6):
        return
    instructions = ctypes.create_string_buffer(_DROP_SYN)
    program = struct.pack("HP", len(_DROP_SYN) // 8, ctypes.addressof(instructions))
    try:
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError as error:  # a sandbox may not have it
        _LOG.info("the listening socket takes no filter (%s): connections made while it closes may be reset", error)
