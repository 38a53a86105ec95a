"""What pyproject.toml asks for, as pip reads it: `python requirements.py EXTRA...`, beside pyproject.toml.

Dependencies without the project itself are what a layer can keep while the project changes.
"""

import sys
import tomllib
from pathlib import Path


def main(extras: list[str]) -> None:
    """Print the project's requirements and those of `extras`; KeyError where there is no such extra."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    optional = (line for extra in extras for line in project["optional-dependencies"][extra])
    sys.stdout.writelines(f"{line}\n" for line in (*project["dependencies"], *optional))


if __name__ == "__main__":
    main(sys.argv[1:])
