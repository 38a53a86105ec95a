"""Run a program of a container image the way compose and Kubernetes run it, with util-linux alone.

In its own mount, process and network namespaces, with a read-only root but for the memory file systems /tmp and /spool,
no way to the network beyond its loopback, no capabilities, as the image's user. Needs root.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

_ENTER = """
set -eu
root=$1 user=$2 group=$3 python=$4; shift 4
mkdir -p "$root/spool"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755,size=64k tmpfs "$root/dev"
for name in null zero full random urandom; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
for folder in /tmp:64m /spool:1g; do
    mount -t tmpfs -o "nosuid,nodev,noexec,mode=1777,size=${folder#*:}" tmpfs "$root${folder%:*}"
done
mount -o remount,bind,ro "$root"
"$python" -c 'import fcntl, socket; fcntl.ioctl(socket.socket(), 0x8914, b"lo".ljust(16, b"\\0") + b"\\1" + bytes(23))'
exec chroot "$root" setpriv --reuid="$user" --regid="$group" --clear-groups \
    --no-new-privs --inh-caps=-all --bounding-set=-all env --ignore-environment "$@"
"""
"""As a container runtime would; the ioctl is SIOCSIFFLAGS with IFF_UP."""


@dataclass(frozen=True)
class Image:
    """An unpacked image: its root folder and its configuration as Docker writes it."""

    root: Path
    config: Mapping[str, Any]

    @property
    def user(self) -> tuple[str, str]:
        """Numbers of user and group; ValueError where the image does not say both as numbers."""
        user, group = str(self.config["User"]).split(":")
        return str(int(user)), str(int(group))

    def environment(self, more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """NAME=VALUE of the image, then those of the caller."""
        return [*self.config["Env"], *(f"{name}={value}" for name, value in more.items())]

    def command(self, *arguments: str) -> list[str]:
        """The entrypoint with `arguments`, or with the image's own where there are none."""
        return [*self.config["Entrypoint"], *(arguments or self.config["Cmd"])]


class Confined:
    """A running process of an image; the first of its process namespace."""

    def __init__(self, image: Image, program: str, process: subprocess.Popen[str]) -> None:
        self._image = image
        self._program = program
        self.process = process

    def started(self) -> bool:
        """Whether the program runs; before that, root and user are still ours."""
        try:
            return Path(f"/proc/{self.number}/comm").read_text().strip() == self._program
        except (FileNotFoundError, ProcessLookupError):
            return False

    @property
    def number(self) -> int:
        """Its process id outside; ProcessLookupError before it is there and after it has gone."""
        for child in self._children():
            return child
        raise ProcessLookupError(f"{self._program} does not run")

    def enter(self, *command: str, all_of_it: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command beside the process: inside the image as its user (`all_of_it`), or in its network alone."""
        join = ["nsenter", f"--target={self.number}", "--net"]
        if all_of_it:
            user, group = self._image.user
            join += ["--mount", "--pid", "--root", "--wd", f"--setuid={user}", f"--setgid={group}"]
            join += ["--", "/usr/bin/env", "--ignore-environment", *self._image.environment()]
        return subprocess.run([*join, *command], check=False, capture_output=True, text=True)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.number, number)

    def kill(self) -> None:
        """End the process at once, if it still runs, and with it all of its namespace."""
        if self.process.poll() is not None:
            return
        # Not by unshare's --kill-child, which is forgotten when the process changes its user.
        children = self._children()
        for child in children:
            os.kill(child, signal.SIGKILL)
        if not children:
            self.process.kill()

    def _children(self) -> list[int]:
        """Of unshare, which stays outside and waits for the process."""
        parent = self.process.pid
        return [int(number) for number in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@contextmanager
def confined(
    image: Image, command: Sequence[str], more: Mapping[str, str] = MappingProxyType({}), *, heard: bool = False
) -> Iterator[Confined]:
    """Start `command` in `image`, with `more` in its environment; on leaving it is killed.

    What it says goes to pipes where it is to be `heard`, else where ours goes.
    """
    output = subprocess.PIPE if heard else None
    namespaces = ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork"]
    enter = ["sh", "-c", _ENTER, "enter", str(image.root), *image.user, sys.executable]
    with subprocess.Popen(
        [*namespaces, *enter, *image.environment(more), *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        text=True,
    ) as process:
        inside = Confined(image, command[0], process)
        try:
            yield inside
        finally:
            inside.kill()


def configuration(inspected: str) -> Mapping[str, Any]:
    """The image's configuration out of what `buildah inspect --type image` prints."""
    config: Mapping[str, Any] = json.loads(inspected)["Docker"]["config"]
    return config
