"""Threads of one process share few heaps."""

import subprocess
import sys

import pytest

from service.heaps import HEAPS

PROGRAM = """
import ctypes, os, sys, tempfile, threading
from service.heaps import share_heaps

if "share" in sys.argv:
    share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
ready = threading.Barrier(9)

def allocate():
    libc.malloc(5000)
    ready.wait()
    ready.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
ready.wait()
libc.fopen.restype, libc.malloc_info.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
path = tempfile.mktemp()
file = ctypes.c_void_p(libc.fopen(path.encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
ready.wait()
with open(path) as told:
    print(told.read().count("<heap nr="))
os.remove(path)
"""


def _heaps(*arguments: str) -> int:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="heaps are counted by glibc")
def test_many_threads_share_few_heaps() -> None:
    assert _heaps("share") == HEAPS
    assert _heaps() > HEAPS, "otherwise the test shows nothing"
