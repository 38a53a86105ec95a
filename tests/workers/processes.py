"""What the kernel knows of a process."""

import os
from contextlib import suppress
from pathlib import Path


def open_files(pid: int) -> list[str]:
    """What the descriptors of a process point at; those that close meanwhile are left out."""
    targets = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            targets.append(os.readlink(link))  # noqa: PTH115
    return targets


def open_sockets(pid: int) -> list[str]:
    """The sockets that a process holds."""
    return [target for target in open_files(pid) if target.startswith("socket:")]


def open_pairs(pid: int) -> list[str]:
    """Those that keep messages apart and have no name: the service's ends of decoding processes, and theirs."""
    listed = Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]
    rows = [line.split() for line in listed]
    seqpackets = {f"socket:[{row[6]}]" for row in rows if row[4] == "0005" and len(row) == 7}
    return [target for target in open_sockets(pid) if target in seqpackets]


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
