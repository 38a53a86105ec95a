"""What a decoding process can still do, tried by one; and that it is enough."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from media.clips import Clip, write_clip
from workers.pools import SETTINGS, decode, eventually, finish, pool_of

from service.media import MediaLimits
from service.workers import SessionOptions
from service.workers.confinement import PARTS
from service.workers.process import WorkerProcess, environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's means are those of Linux")

FOLDER = Path(__file__).parent
ALLOWED = {
    "use a temporary file",
    "start a thread",
    "signal itself",
    "talk over an open socket",
    "stand back",
    "bound its own time",
}
KINDS = {
    "mp4, index last": Clip(),
    "fragmented mp4, HEVC": Clip(video="libx265", muxer={"movflags": "frag_keyframe+empty_moov"}),
    "WebM": Clip("webm", "libvpx", "libopus"),
    "WebM, VP9": Clip("webm", "libvpx-vp9", "libopus"),
    "Matroska, FLAC": Clip("matroska", "mpeg4", "flac"),
    "MP3": Clip("mp3", None, "libmp3lame"),
    "WAV": Clip("wav", None, "pcm_s16le"),
    "Ogg": Clip("ogg", None, "libopus"),
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What one confined process was refused."""
    spool, home = tmp_path_factory.mktemp("spool"), tmp_path_factory.mktemp("home")
    (spool / "of another").touch()
    (home / "secret").touch()
    command = [sys.executable, str(FOLDER / "confined.py"), str(spool), str(home)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, timeout=120, check=True, env=environment() | {"PYTHONPATH": str(Path.cwd())}
    )
    assert (spool / "of another").exists()
    assert not (spool / "new").exists()
    told: dict[str, dict[str, str]] = json.loads(done.stdout)
    return told


def _may_lack(lacks: dict[str, str]) -> None:
    if not lacks:
        return
    reason = f"this system has not all: {lacks}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def test_nothing_but_computing_and_what_is_open_is_left(tried: dict[str, dict[str, str]]) -> None:
    _may_lack(tried["lacks"])
    outcomes = tried["deeds"]
    assert {deed for deed, outcome in outcomes.items() if outcome == "done"} == ALLOWED
    refused = {deed: outcome for deed, outcome in outcomes.items() if deed not in ALLOWED}
    # Where landlock already refuses, it is EACCES: nothing may be made outside the spool.
    assert set(refused.values()) <= {"EPERM", "EACCES"}, refused
    assert refused["make a file elsewhere"] == "EACCES"


def limits_of(pid: int) -> str:
    """The bounds of a process, as the kernel tells them."""
    return Path(f"/proc/{pid}/limits").read_text()


def test_the_kernel_says_of_a_real_process_that_it_is_confined_and_bounded(tmp_path: Path) -> None:
    async def work() -> tuple[list[str], str, dict[str, list[str]]]:
        worker = await WorkerProcess.start(replace(SETTINGS, spool_dir=tmp_path, file_bytes=2**20))
        try:
            await eventually(lambda: "Max cpu time              unlimited" not in limits_of(worker.pid))
            status = Path(f"/proc/{worker.pid}/status").read_text()  # noqa: ASYNC240
            lines = limits_of(worker.pid).splitlines()[1:]
            return worker.lacks, status, {line[:25].strip(): line[25:].split() for line in lines}
        finally:
            await worker.kill()

    lacks, status, limits = finish(work())
    _may_lack(dict.fromkeys(lacks, ""))
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert limits["Max address space"][:2] == [str(SETTINGS.memory_bytes)] * 2
    assert limits["Max core file size"][:2] == ["0", "0"]
    assert limits["Max open files"][:2] == ["1024", "1024"]


def test_every_kind_of_recording_is_decoded_there(tmp_path: Path) -> None:
    async def work() -> dict[str, int]:
        steps = {}
        async with pool_of(1, replace(SETTINGS, spool_dir=tmp_path)) as pool:
            for kind, clip in KINDS.items():
                async with await pool.open_session(SessionOptions(MediaLimits(), "all", tmp_path)) as session:
                    steps[kind] = len(await decode(session, write_clip(clip)))
        return steps

    assert all(count >= 20 for count in finish(work()).values())
    assert not any(tmp_path.iterdir())


def test_a_service_whose_kernel_lacks_something_runs_without_it_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    command = (sys.executable, str(FOLDER / "old_kernel_child.py"))

    async def work() -> None:
        async with pool_of(2, replace(SETTINGS, command=command)) as pool:
            options = SessionOptions(MediaLimits(), "all", None)
            async with await pool.open_session(options) as session:
                assert await decode(session, write_clip(Clip()))

    finish(work())
    lines = [record.getMessage() for record in caplog.records if "confined" in record.getMessage()]
    assert len(lines) == 1
    assert all(f"{part} (" in lines[0] for part in PARTS if part != "no_new_privs")
