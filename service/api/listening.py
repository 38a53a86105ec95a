"""Closing listening sockets so that nobody who has connected is cut off.

The kernel completes connections before the program accepts them, and `close()` resets those that wait. A balancer sees
such a connection break after it has sent its request, and may not send a POST again: that request fails. So, first,
no further connection may begin; then all that have begun are accepted; then the socket is closed, and balancers are
refused, which they answer by going elsewhere.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_LOG = logging.getLogger(__name__)

HANDSHAKE_SECONDS: Final = 0.2
"""How long a connection that has begun may take to stand: more than a round trip to any balancer."""

# A listening socket that asks for packets straight from a neighbour (RFC 5082: the hops left have their highest value,
# with which hardly any system begins) overlooks those that ask for a new connection; handshakes that have begun are not
# its own any more and come to their end. Unlike a packet filter this needs no privilege. Python has no names for these.
_LEAST_HOPS: Final = {socket.AF_INET: (socket.IPPROTO_IP, 21), socket.AF_INET6: (socket.IPPROTO_IPV6, 73)}
"""IP_MINTTL and IPV6_MINHOPCOUNT of Linux."""
_NEIGHBOURS, _ALL = 255, 0


async def stop_listening(servers: Iterable[asyncio.Server], protocol: Callable[[], asyncio.Protocol]) -> None:
    """Close `servers`; whoever had connected is accepted, with a new `protocol`; whoever comes later is refused.

    Whoever comes while it runs, which is a fifth of a second, tries again a second after, by themselves, and is refused
    then. Connections that were accepted go on. Where the system cannot hold newcomers off, or has no more descriptors,
    the log says so, and connections that wait or come in the very moment of closing may be reset: nothing is raised,
    since the service has to leave all the same.
    """
    listening = []
    for server in servers:
        for one in server.sockets:
            try:
                # A copy of a descriptor is the same socket, which so outlives its server.
                listening.append(socket.socket(fileno=os.dup(one.fileno())))
            except OSError as error:
                _LOG.warning("closed at once (%s): connections that waited to be accepted may be reset", error)
        server.close()
    try:
        for one in listening:
            _welcome(one, _NEIGHBOURS)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        for connection in [connection for one in listening for connection in _waiting(one)]:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
    finally:
        for one in listening:
            one.close()


def _waiting(listening: socket.socket) -> Iterator[socket.socket]:
    """Accept every connection that stands."""
    while True:
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            return
        except ConnectionAbortedError:  # its client left before it was accepted
            continue
        except OSError as error:
            _LOG.warning("no more connections are accepted (%s): those that waited are reset", error)
            return
        connection.setblocking(False)
        _welcome(connection, _ALL)  # it has what its listening socket had when its handshake ended
        yield connection


def _welcome(one: socket.socket, hops: int) -> None:
    """Overlook packets with fewer hops left."""
    if sys.platform != "linux" or one.family not in _LEAST_HOPS:
        return
    try:
        one.setsockopt(*_LEAST_HOPS[one.family], hops)
    except OSError as error:  # a sandbox may not have it
        _LOG.info("newcomers cannot be held off (%s): connections made while this closes may be reset", error)
