import subprocess
import sys

import pytest

from service.cli import main
from service.credentials import ApiKey, digest_of, parse


def test_a_key_and_its_entry_are_made_and_each_time_anew(capsys: pytest.CaptureFixture[str]) -> None:
    keys = set()
    for _ in range(2):
        assert main(["key", "web-1"]) == 0
        out, err = capsys.readouterr()
        first, second = out.splitlines()
        word, key = first.split()
        assert (word, err) == ("key", "")
        word, line = second.split()
        assert word == "entry"
        assert parse(line) == (ApiKey("web-1", digest_of(key)),)
        assert key not in line
        keys.add(key)
    assert len(keys) == 2


@pytest.mark.parametrize("name", ["a,b", "a=b", "", "a b"])
def test_a_name_that_an_entry_cannot_hold_is_misuse_and_makes_no_key(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["key", name])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "a name is" in err


def test_a_key_is_made_without_anything_heavy() -> None:
    code = "import sys, service.cli; service.cli.main(['key', 'web']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not {"fastapi", "pydantic", "numpy", "onnxruntime"} & set(done.stdout.splitlines()[-1].split())
