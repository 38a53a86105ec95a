"""What docs/http.md says that curl gets, curl gets."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api.harness import ENTRIES, KEYS, PATIENCE, Running, run, wait_until
from api.talking import talk

from service.protocol.messages import ErrorMessage, SessionCreated
from service.settings import Settings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def promises(section: str) -> list[tuple[str, str]]:
    """The commands of a section, and what it says that they get."""
    text = DOCUMENT.partition(f"## {section}\n")[2].partition("\n## ")[0].replace("\\\n", " ")
    return re.findall(r"^ {4}(curl .+?) +# (.+)$", text, re.MULTILINE)


COMMANDS = promises("Who may use it")


class Curl:
    """Runs curl and keeps its last answer."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def __call__(self, *arguments: str) -> tuple[str, dict[str, str]]:
        """Status and code of the last answer, and its headers in lower case."""
        done = subprocess.run(
            [self._program, "--silent", "--show-error", "--include", "--noproxy", "*", *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
        # 28: the connection of a WebSocket stays open until --max-time ends it.
        assert done.returncode in (0, 28), done.stderr
        head, _, body = done.stdout.rpartition("HTTP/1.1 ")[2].partition("\n\n")
        status, *lines = head.splitlines()
        code = re.search(r'"code":"(\w+)"', body)
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return " ".join(filter(None, (status[:3], code[1] if code else ""))), headers


@pytest.fixture(scope="module")
def curl(program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, clip: bytes) -> Curl:
    """curl in a folder with a recording."""
    folder = tmp_path_factory.mktemp("curl")
    (folder / "talk.mp4").write_bytes(clip)
    return Curl(program("curl"), folder)


@pytest.fixture(scope="module")
def documented() -> Iterator[Running]:
    """The service that the document speaks of."""
    with run(workers=1, max_analyses=1, api_keys=ENTRIES, allowed_origins="https://app.example") as service:
        yield service


@pytest.fixture(scope="module")
def limited() -> Iterator[Running]:
    """A service that lets a key make four requests in a minute, and have one session."""
    with run(workers=1, max_analyses=1, api_keys=ENTRIES, key_requests_per_minute=4, key_sessions=1) as service:
        yield service


def token(service: Running, key: str) -> str:
    """A fresh access token."""
    return str(service.client.post("/v1/tokens", headers={"Authorization": f"Bearer {key}"}).json()["token"])


@pytest.mark.parametrize(("command", "answer"), COMMANDS)
def test_curl_gets_what_the_document_says(
    documented: Running, running: Running, curl: Curl, command: str, answer: str
) -> None:
    service = running if "host_not_allowed" in answer else documented  # the one of them without keys
    words = [
        word.replace(ADDRESS, f"http://127.0.0.1:{service.port}")
        .replace("KEY", KEYS["web"])
        .replace("TOKEN", token(documented, KEYS["web"]))
        for word in shlex.split(command)[1:]
    ]
    patience = ["--max-time", "2"] if answer == "101" else []
    status, headers = curl(*words, *patience)
    assert status == answer
    allowed = headers.get("access-control-allow-origin")
    assert allowed == ("https://app.example" if "https://app.example" in command else None)
    assert headers.get("www-authenticate") == ("bearer" if answer.startswith("401") else None)


def test_the_document_shows_every_way_in_and_every_refusal() -> None:
    text = "\n".join(" ".join(pair) for pair in COMMANDS)
    for part in ("200", "101", "401 ", "403 ", "421 ", "-X OPTIONS", "/v1/analyses", "attune.token.", "/v1/tokens"):
        assert part in text, part


def test_over_its_rate_a_key_is_told_when_to_come_again_and_others_are_not(limited: Running, curl: Curl) -> None:
    def ask(name: str) -> tuple[str, dict[str, str]]:
        return curl("-H", f"Authorization: Bearer {KEYS[name]}", f"http://127.0.0.1:{limited.port}/v1/model")

    assert [ask("web")[0] for _ in range(4)] == ["200"] * 4
    for _ in range(2):
        status, headers = ask("web")
        assert status == "429 rate_limited"
        assert 1 <= int(headers["retry-after"]) <= 60
    with talk(limited, headers={"Authorization": f"Bearer {KEYS['web']}"}) as session:
        session.say("session.close")
        assert session.hear_out() == 1013
        assert session.failure().code == "rate_limited"
        assert session.failure().retry_after
    assert ask("app")[0] == "200"


def test_a_key_has_so_many_sessions_at_once_and_no_more(limited: Running) -> None:
    headers = {"Authorization": f"Bearer {KEYS['app']}"}
    with talk(limited, headers=headers) as first:
        assert isinstance(first.hear(), SessionCreated)
        with talk(limited, headers=headers) as second:
            assert isinstance(second.hear(), ErrorMessage)
            assert second.hear_out() == 1013
            assert second.failure().code == "quota_exceeded"
    wait_until(lambda: limited.metric("attune_sessions_active") == 0)
    with talk(limited, headers=headers) as third:
        assert isinstance(third.hear(), SessionCreated)


def test_bounds_are_as_the_document_says() -> None:
    rows = re.findall(r"^\|[^|]+\| `ATTUNE_([A-Z_]+)` \| ([^|]+) \|", DOCUMENT, re.MULTILINE)
    limits = {name.upper() for name in Settings.model_fields if name.startswith("max_") or name.endswith("_timeout")}
    assert {name for name, _ in rows} >= limits - {"WORKER_TIMEOUT"}, "a bound that the document leaves out"
    for name, told in rows:
        default = getattr(Settings(), name.lower())
        number = re.fullmatch(r"([\d,]+)(?: (\w+))?", told)
        if number is None:
            assert told in ("two for each core", "three for each core") or (told, default) == ("no limit", 0), name
        else:
            assert int(number[1].replace(",", "")) * _UNITS.get(number[2], 1) == default, name
