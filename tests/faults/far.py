"""A machine that is reached over a network of its own, which can fail without a word."""

import ctypes
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import pytest
from api.harness import PATIENCE

HERE: Final = "198.18.7.1"
THERE: Final = "198.18.7.2"
"""Addresses of benchmarks (RFC 2544), which nobody has. Here is where the service is."""
_NEWNET: Final = 0x40000000
"""CLONE_NEWNET of Linux."""


class FarMachine:
    """Sockets that are opened on it belong to its network, whoever uses them."""

    def __init__(self, ip: str, thread: ThreadPoolExecutor) -> None:
        self._ip = ip
        self._thread = thread

    def connect(self, port: int) -> socket.socket:
        """A connection from there to here."""
        return self._thread.submit(socket.create_connection, (HERE, port), PATIENCE).result(PATIENCE)

    def vanish(self) -> None:
        """From now on nothing gets there, nothing comes from there, and nobody says so."""
        self._run("link", "set", "there", "down")

    def come_back(self) -> None:
        """Undo `vanish`."""
        self._run("link", "set", "there", "up")

    def _run(self, *arguments: str) -> None:
        self._thread.submit(run_ip, self._ip, *arguments).result(PATIENCE)


def run_ip(ip: str, *arguments: str) -> None:
    """One command of iproute2, in the network of the thread that calls."""
    subprocess.run([ip, *arguments], check=True, capture_output=True, timeout=PATIENCE)


@contextmanager
def far_machine(program: Callable[..., str]) -> Iterator[FarMachine]:
    """Another machine, beside this one. Skips where the system or its user cannot have one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a network of one's own takes root on Linux")
    ip = program("ip", "iproute2")
    with ThreadPoolExecutor(1, thread_name_prefix="far") as thread:
        number = thread.submit(_leave_this_network).result(PATIENCE)
        machine = FarMachine(ip, thread)
        run_ip(ip, "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(number))
        try:
            run_ip(ip, "addr", "add", f"{HERE}/30", "dev", "here")
            run_ip(ip, "link", "set", "here", "up")
            machine._run("addr", "add", f"{THERE}/30", "dev", "there")
            machine._run("link", "set", "there", "up")
            yield machine
        finally:
            run_ip(ip, "link", "delete", "here")


def _leave_this_network() -> int:
    """Give this thread a network of its own; the thread's number."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEWNET) != 0:
        pytest.skip(f"no network of one's own: {os.strerror(ctypes.get_errno())}")
    return threading.get_native_id()
