"""After analysis nothing is left: not of media, on disk, in open files, logs, metrics or traces; nor a caller's words.

A real service with its decoding processes, in folders of its own that are watched from before the first upload.
"""

import re
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from api.collector import Collector, collecting
from api.frames_input import picture, talking_head
from api.harness import PATIENCE, chunk, read_all, wait_until
from api.talking import Talk
from live.replicas import Replica, replicas
from security.watching import MADE, Watch, watching
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from service.assets import cache_folder
from service.protocol.messages import SUBPROTOCOL, Checkpoint

FOLDERS = ("tmp", "home", "spool", "cwd", "config", "cache", "data", "state", "run")
MARK = "anna-and-her-mother"
"""Part of every name and word that the caller sends."""


@dataclass
class World:
    """A service, its folders, and what it told of what it did."""

    replica: Replica
    root: Path
    watch: Watch
    collector: Collector

    @property
    def client(self) -> httpx.Client:
        """Asks it."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.replica.port}", timeout=PATIENCE, trust_env=False)

    @property
    def log(self) -> str:
        """All that it logged."""
        return (self.root / "replica-1.log").read_text()

    def told(self) -> str:
        """All that it lets others see but its answers."""
        with self.client as client:
            return self.log + client.get("/metrics").text + repr(self.collector)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The service at its most talkative: debug log, traces of every request."""
    root = tmp_path_factory.mktemp("privacy")
    for name in FOLDERS:
        (root / name).mkdir(mode=0o700)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("ATTUNE_CACHE", str(cache_folder()))
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        for name in ("TMPDIR", "HOME"):
            patch.setenv(name, str(root / name.lower().removesuffix("dir")))
        for name in ("config", "cache", "data", "state"):
            patch.setenv(f"XDG_{name.upper()}_HOME", str(root / name))
        patch.setenv("XDG_RUNTIME_DIR", str(root / "run"))
        patch.setenv("MPLCONFIGDIR", str(root / "config"))
        patch.chdir(root / "cwd")
        collector = stack.enter_context(collecting())
        [replica] = stack.enter_context(
            replicas(1, root, log_level="debug", spool_dir=root / "spool", trace_endpoint=collector.url)
        )
        watch = stack.enter_context(watching([root / name for name in FOLDERS], MADE))
        yield World(replica, root, watch, collector)


def assert_nothing_is_left(world: World, *media: bytes) -> None:
    """No file was made, none is left or open that holds any of this, and nothing was told of it."""
    assert world.watch.seen() == []
    pieces = [one[start : start + 24] for one in media for start in range(100, len(one) - 24, max(len(one) // 50, 1))]
    pieces = [piece for piece in pieces if len(set(piece)) > 12]  # what could be nothing else
    assert len(pieces) > 20
    for place in [*world.root.rglob("*"), *open_files(world)]:
        if place.is_file():
            content = place.read_bytes()
            assert not any(piece in content for piece in pieces), place
            assert MARK.encode() not in content, place
    told = world.told()
    assert MARK not in told
    for piece in pieces:
        assert piece.hex() not in told
        assert repr(piece)[2:-1] not in told
    assert re.search(r"/[\w-]+\.(mp4|mkv|webm)", told) is None


def processes(world: World) -> list[int]:
    """The service and all that it started."""
    found = [world.replica.pid]
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == world.replica.pid:
            found.append(int(status.parent.name))
    assert len(found) > 1
    return found


def open_files(world: World) -> list[Path]:
    """Regular files that its processes hold open beside its log, those without a name among them."""
    found = []
    for pid in processes(world):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                mode = descriptor.stat().st_mode
                target = str(descriptor.readlink())
            except FileNotFoundError:
                continue
            if stat.S_ISREG(mode) and not target.startswith("/memfd:") and not target.endswith("replica-1.log"):
                found.append(descriptor)
    return found


def spools(world: World) -> list[Path]:
    """Open files of the folder for temporary ones."""
    return [place for place in open_files(world) if str(world.root / "spool") in str(place.readlink())]


def idle(world: World) -> bool:
    """Whether nothing runs."""
    with world.client as client:
        lines = client.get("/metrics").text.splitlines()
    return {"attune_active_analyses 0.0", "attune_sessions_active 0.0"} <= set(lines)


def test_a_raw_upload_leaves_nothing(world: World, clip: bytes) -> None:
    with world.client as client:
        headers = {"User-Agent": MARK, "Referer": f"http://{MARK}/", "X-File-Name": f"{MARK}.mkv"}
        answer = client.post("/v1/analyses", content=clip, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["people"]
        client.get(f"/{MARK}.mp4", params={MARK: MARK})
    assert_nothing_is_left(world, clip)


def test_a_form_leaves_nothing_not_even_the_name_of_its_file(world: World, clip: bytes) -> None:
    with world.client as client:
        files = {"file": (f"{MARK}.mkv", clip, f"video/{MARK}")}
        answer = client.post("/v1/analyses", files=files, data={"title": MARK}, params={"horizon": "1.5"})
        assert answer.status_code == 200
        assert MARK not in answer.text
        refused = client.post("/v1/analyses", files={MARK: (f"{MARK}.mkv", clip)}, params={"faces": MARK})
        assert refused.status_code == 422
    assert_nothing_is_left(world, clip)


def test_a_recording_that_is_spooled_leaves_nothing(world: World, late_index: bytes) -> None:
    with world.client as client:
        assert client.post("/v1/analyses", content=late_index).status_code == 200
    wait_until(lambda: not spools(world))
    assert_nothing_is_left(world, late_index)


@pytest.mark.parametrize("ending", ["is given up", "is damaged"])
def test_a_spooled_recording_that_ends_badly_leaves_nothing(world: World, late_index: bytes, ending: str) -> None:
    with socket.create_connection(("127.0.0.1", world.replica.port), timeout=PATIENCE) as connection:
        headers = "Host: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        index = late_index.rindex(b"moov")
        connection.sendall(f"POST /v1/analyses HTTP/1.1\r\n{headers}".encode() + chunk(late_index[:index]))
        wait_until(lambda: len(spools(world)) == 1)
        assert world.watch.seen() == [], "it has no name while it is there"
        if ending == "is damaged":
            connection.sendall(chunk(bytes(len(late_index) - index)) + chunk(b""))
            assert b" 422 " in read_all(connection)[:20]
    wait_until(lambda: not spools(world))
    wait_until(lambda: idle(world))
    assert_nothing_is_left(world, late_index)


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_session_of_a_container_leaves_nothing(world: World, clip: bytes, is_given_up: bool) -> None:
    with connect(
        f"{world.replica.url}?token={MARK}", subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None, user_agent_header=MARK
    ) as connection:
        session = Talk(connection)
        session.media(clip)
        if is_given_up:
            session.hear()
        else:
            session.end()
    wait_until(lambda: idle(world))
    assert_nothing_is_left(world, clip)


def test_a_session_of_pictures_leaves_nothing_nor_does_its_checkpoint(world: World) -> None:
    messages = talking_head(60)
    with connect(world.replica.url, subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None, max_size=None) as connection:
        session = Talk(connection)
        session.say("session.update", input="frames", baseline="learn")
        session.send(messages)
        connection.send(picture(500, 70)[:-100])  # damaged, told of and passed over
        session.end()
    tokens = [checkpoint.token.encode() for checkpoint in session.all(Checkpoint)]
    assert tokens
    wait_until(lambda: idle(world))
    assert_nothing_is_left(world, *messages[::10], *tokens)


def test_no_process_of_it_would_leave_a_core_file(world: World) -> None:
    for pid in processes(world):
        [limit] = re.findall(r"Max core file size +(\w+) +(\w+)", Path(f"/proc/{pid}/limits").read_text())
        assert limit == ("0", "0")


def test_the_log_and_the_traces_did_speak_of_all_of_it(world: World) -> None:
    assert len(re.findall("analysis ok", world.log)) >= 3
    assert len(re.findall("session (ok|cancelled)", world.log)) >= 3
    wait_until(lambda: any(span.name == "WS /v1/stream" for span in world.collector.spans))
    wait_until(lambda: any(span.name == "POST /v1/analyses" for span in world.collector.spans))
