"""Runs a command under a kernel filter that kills any process of it that opens a connection or sends a datagram.

`python no_connect.py COMMAND...`: accepting connections works, connect(2) and sendto(2) with an address are deadly
(seccomp, see seccomp(2) and linux/filter.h).
"""

import ctypes
import os
import platform
import struct
import sys

# System call numbers of connect and sendto, and the AUDIT_ARCH value.
CALLS = {"x86_64": (42, 44, 0xC000003E), "aarch64": (203, 206, 0xC00000B7)}

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCHITECTURE, _ADDRESS = 0, 4, 16 + 4 * 8  # offsets in struct seccomp_data; sendto's fifth argument


def install() -> None:
    """Install the filter for this process and all that it starts."""
    connect, sendto, architecture = CALLS[platform.machine()]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, 7, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 5, 0, connect),
        (_EQUAL, 0, 5, sendto),
        (_LOAD, 0, 0, _ADDRESS),
        (_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _ADDRESS + 4),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((38, 1, 0, 0, 0), (22, 2, header)):  # PR_SET_NO_NEW_PRIVS; PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the kernel refuses the filter")


if __name__ == "__main__":
    install()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606
