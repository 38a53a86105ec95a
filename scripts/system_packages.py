"""Make sure that what Attune needs of the system is there: install it with apt where that is possible, else say how.

    python scripts/system_packages.py PACKAGE...

Packages go by their Debian names. Exits 0 even where something is missing and apt cannot be used: the message says what
to install, and what needs it then says so by itself.
"""

import os
import shutil
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

LIBRARIES = {"libgl1": "GL", "libegl1": "EGL", "libgles2": "GLESv2", "libglib2.0-0": "glib-2.0"}
"""Shared libraries that mediapipe and OpenCV link to, by Debian package."""


def present(package: str) -> bool:
    """Whether the library or program of `package` can be found; servers live where only root's PATH leads."""
    if package in LIBRARIES:
        return find_library(LIBRARIES[package]) is not None
    return shutil.which(package) is not None or Path("/usr/sbin", package).exists()


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
    return all(subprocess.run(command, check=False, env=environment).returncode == 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
