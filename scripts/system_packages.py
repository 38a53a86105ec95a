"""Make sure that what Attune needs of the system is there: install it with apt where that is possible, else say how.

    python scripts/system_packages.py PACKAGE...

Packages go by their Debian names. Exits 0 even where something is missing and apt cannot be used: the message says what
to install, and what needs it then says so by itself. Debian starts the daemons that it installs, now and at every boot:
those that come by this do not start.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

LIBRARIES = {
    "libgl1": "GL",
    "libegl1": "EGL",
    "libgles2": "GLESv2",
    "libglib2.0-0": "glib-2.0",
    "libseccomp2": "seccomp",
}
"""Shared libraries that mediapipe and OpenCV link to, and that which confines decoding processes, by Debian package."""
PROGRAMS = {"iproute2": "ip"}
"""What is looked for where a package is not called like its program."""
DAEMONS = ("nginx", "haproxy", "prometheus")
"""Packages of which the tests start processes of their own; their units have the same names."""
POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian's packages ask whether they may start a daemon."""
NEVER = "#!/bin/sh\n# Put here by Attune's scripts/system_packages.py while apt runs; afterwards it can go.\nexit 101\n"
SYSTEMD = Path("/run/systemd/system")
"""Exists where systemd runs, as sd_booted(3) has it."""


def present(package: str) -> bool:
    """Whether the library or program of `package` can be found; servers live where only root's PATH leads."""
    if package in LIBRARIES:
        return find_library(LIBRARIES[package]) is not None
    name = PROGRAMS.get(package, package)
    return shutil.which(name) is not None or Path("/usr/sbin", name).exists()


def main(packages: list[str]) -> int:
    """Install what is missing among `packages`."""
    missing = [package for package in packages if not present(package)]
    if not missing:
        return 0
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0 or not _install(apt, missing):
        how = f"sudo apt-get install {' '.join(missing)}" if apt else "your system's package manager"
        print(f"Missing on this system: {', '.join(missing)}. Install with {how}.", file=sys.stderr)
    return 0


def _install(apt: str, packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = [[apt, "update"], [apt, "install", "--yes", "--no-install-recommends", *packages]]
    with no_daemon_starts(POLICY):
        done = all(subprocess.run(command, check=False, env=environment).returncode == 0 for command in commands)
    systemctl = shutil.which("systemctl")
    if systemctl and (units := units_to_disable(packages, SYSTEMD)):
        subprocess.run([systemctl, "disable", *units], check=False)
    return done


@contextmanager
def no_daemon_starts(policy: Path) -> Iterator[None]:
    """Keep packages from starting daemons. A `policy` of the machine's owner stays as it is, and is what holds then;
    one that a run before this left behind, because it was killed, goes."""
    if policy.exists() and policy.read_text() != NEVER:
        yield
        return
    policy.write_text(NEVER)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def units_to_disable(installed: Iterable[str], systemd: Path) -> list[str]:
    """The units that would start at the next boot, among packages that were missing before; none without systemd."""
    if not systemd.is_dir():
        return []
    return [f"{package}.service" for package in installed if package in DAEMONS and present(package)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
