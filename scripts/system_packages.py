"""Make sure that programs the tests need are there: install them with apt where that is possible, else say what to do.

    python scripts/system_packages.py PROGRAM...

Programs are named as their Debian packages are. Always exits 0 where apt is absent: the tests then skip by name.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def found(program: str) -> bool:
    """Whether `program` can be run; servers live where only root's PATH leads."""
    return shutil.which(program) is not None or Path("/usr/sbin", program).exists()


def main(programs: list[str]) -> int:
    """Install what is missing among `programs`."""
    missing = [program for program in programs if not found(program)]
    if not missing:
        return 0
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        how = f"sudo apt-get install {' '.join(missing)}" if apt else "your system's package manager"
        print(
            f"Missing: {', '.join(missing)}. Tests that need them will be skipped; install with {how}.", file=sys.stderr
        )
        return 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "update"], check=True, env=environment)
    subprocess.run([apt, "install", "--yes", "--no-install-recommends", *missing], check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
