"""A program confined as in a container, in a root folder that holds no more than it needs."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.confined import Confined, Image, confined

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as containers do")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, program: Callable[..., str]) -> Image:
    """This machine's env, setpriv, sleep and touch, with the libraries that they link to."""
    root = tmp_path_factory.mktemp("root")
    root.chmod(0o755)
    for name in ("proc", "dev", "tmp"):
        (root / name).mkdir()
    for name in ("env", "setpriv", "sleep", "touch"):
        path = program(name)
        linked = subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout
        for file in (f"/usr/bin/{name}", *re.findall(r"(/\S+) \(", linked)):
            copy = root / file.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path if file.endswith(f"bin/{name}") else file, copy)
    return Image(root, {"User": "10001:10001", "Env": ["PATH=/usr/bin"]})


def _run(image: Image, *command: str) -> int:
    with confined(image, command) as inside:
        return inside.process.wait(60)


def test_only_the_memory_file_systems_can_be_written_to(image: Image) -> None:
    assert _run(image, "touch", "/tmp/file") == 0  # noqa: S108
    assert _run(image, "touch", "/spool/file") == 0
    assert _run(image, "touch", "/usr/file") != 0


def test_a_program_runs_as_the_users_number_without_capabilities(image: Image) -> None:
    with confined(image, ["sleep", "1000"]) as inside:
        status = _status(_number_of(inside))
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Groups"] == ""
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0000000000000000"}
    assert status["NoNewPrivs"] == "1"


def test_a_program_does_not_outlive_a_failed_check(image: Image) -> None:
    def check() -> None:
        with confined(image, ["sleep", "1000"]) as inside:
            numbers.append(_number_of(inside))
            raise ZeroDivisionError

    numbers = list[int]()
    with pytest.raises(ZeroDivisionError):
        check()
    assert not Path(f"/proc/{numbers[0]}").exists()


def _number_of(inside: Confined) -> int:
    """The number of the confined program, once it runs."""
    while not inside.started():
        assert inside.process.poll() is None
    return inside.number


def _status(number: int) -> dict[str, str]:
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}
