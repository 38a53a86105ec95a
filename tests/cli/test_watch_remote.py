"""The command with a server: what it sends, when it ends, what it shows."""

import argparse
import asyncio
import io
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from api.harness import Running
from api.harness import run as run_service
from client.fake import FakeServer, Fault
from client.sessions import run
from media.clips import Clip, write_clip
from rich.console import Console

from service.cli import main, watch_local, watch_remote
from service.cli.watch_camera import Camera, CameraUnavailable, Device
from service.cli.watch_remote import watch_there
from service.cli.watch_view import View
from service.client import SessionUpdate


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """The real service."""
    with run_service(workers=1) as running:
        yield running


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds without anybody."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(Clip(seconds=2)))
    return path


@pytest.fixture
def camera(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample in place of the camera, a tone in place of the microphone."""
    devices = (
        Device(f"movie={sample},realtime", "lavfi"),
        Device("sine=frequency=440:sample_rate=44100,arealtime", "lavfi"),
    )
    for module in (watch_local, watch_remote):
        monkeypatch.setattr(module, "devices_of", lambda _source: devices)


def arguments(source: Path | str, *urls: str, late: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(source=str(source), url=list(urls), faces="all", horizon=2.0, late=late)


def shown(server: FakeServer, source: Path | str) -> str:
    """What watching `source` on a server that measures bytes shows."""
    out = io.StringIO()

    async def watch() -> None:
        async with server.running():
            with View(Console(file=out, width=200), str(source)) as view:
                await watch_there(arguments(source, server.url), view)

    run(watch())
    return out.getvalue()


def test_a_recording_is_played_to_the_service_in_real_time(
    service: Running, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert main(["watch", str(sample), "--url", f"http://127.0.0.1:{service.port}"]) == 0
    assert time.monotonic() - began > 9
    text = capsys.readouterr().out
    assert re.search(r"^0:0\d\.\d  person 1: \w+ \d+%, \w+ \d+%  speech · delay \d+ ms$", text, re.MULTILINE)
    assert re.search(r"10\.0 s · 640 × 360 · speech \d\.\d s", text)


@pytest.mark.usefixtures("camera")
def test_a_camera_is_watched_by_the_service(service: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "camera", "--url", f"http://127.0.0.1:{service.port}", "--late", "wait"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^camera  \d+\.\d s · 640 × 360 · speech \d\.\d s$", text, re.MULTILINE)
    assert "face" in text


@pytest.mark.usefixtures("camera")
def test_a_camera_is_watched_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "camera", "--provider", "cpu"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^camera  \d+\.\d s · 640 × 360 · speech \d\.\d s", text, re.MULTILINE)


def test_a_lost_connection_is_said_and_mended(clip: Path) -> None:
    text = shown(FakeServer([Fault(sends=100)] + [Fault(status=503)] * 5), clip)
    assert "connection lost, trying again" in text
    assert re.search(r"person \d", text)
    assert "Most attended" in text


def test_the_key_comes_from_the_environment(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_API_KEY", "secret")
    assert "Most attended" in shown(FakeServer(key="secret"), clip)


def test_a_file_that_fails_on_the_way_is_summed_up_before_it_is_told(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(_name: str) -> Iterator[tuple[float, bytes]]:
        yield 0.0, clip.read_bytes()
        raise CameraUnavailable("It stopped.")

    monkeypatch.setattr(watch_remote, "play", breaking)
    out = io.StringIO()

    async def watch() -> None:
        async with FakeServer().running() as server:
            with View(Console(file=out, width=200), "clip") as view:
                await watch_there(arguments(clip, server.url), view)

    with pytest.raises(CameraUnavailable):
        run(watch())
    assert "Most attended" in out.getvalue()


def test_the_source_decides_what_becomes_of_late_pictures(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def noted(_urls: object, config: SessionUpdate, **_options: object) -> None:
        asked.append((config.input, config.late))
        raise CameraUnavailable("enough")

    monkeypatch.setattr(watch_remote, "connect", noted)
    monkeypatch.setattr(watch_remote, "Camera", lambda *_devices: object.__new__(Camera))
    view = View(Console(file=io.StringIO()), "x")
    for source, late in ((clip, None), (clip, "drop"), ("camera", None), ("camera", "wait")):
        with pytest.raises(CameraUnavailable):
            run(watch_there(arguments(source, "http://x", late=late), view))
    assert asked == [("container", "wait"), ("container", "drop"), ("frames", "drop"), ("frames", "wait")]


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_the_media_and_another_one_everything(sample: Path, presses: int) -> None:
    server = FakeServer()

    async def watch() -> tuple[int, str]:
        async with server.running():
            command = [sys.executable, "-u", "-m", "service", "watch", str(sample), "--url", server.url]
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, "COLUMNS": "200"}
            )
            assert process.stdout is not None
            text = (await process.stdout.readline()).decode()
            if presses == 2:
                server.stalled.set()
            for _ in range(presses):
                process.send_signal(signal.SIGINT)
                await asyncio.sleep(0.5)
            text += (await process.stdout.read()).decode()
            return await process.wait(), text

    code, text = run(watch())
    assert sum(map(len, server.received)) < sample.stat().st_size
    assert code == (0 if presses == 1 else 130)
    assert ("Most attended" in text) == (presses == 1)
