"""Live sessions with the real service: as exact as an upload, and going on after the service was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from live.replicas import lasting_port
from page.conftest import visits
from page.visiting import PATIENCE, NewVisit, Visit
from playwright.sync_api import Browser, expect

from service.representation import LABELS

pytestmark = pytest.mark.browser

RECORD = """async (seconds) => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  const recorder = new MediaRecorder(stream, { mimeType: "video/webm;codecs=vp8,opus", videoBitsPerSecond: 1e6 });
  const pieces = [];
  recorder.addEventListener("dataavailable", ({ data }) => data.size && pieces.push(data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.start(100);
  setTimeout(() => recorder.stop(), 1000 * seconds);
  await stopped;
  for (const track of stream.getTracks()) track.stop();
  window.pieces = pieces;
}"""
STREAM = """async () => {
  const { Session } = await import("/js/live/session.js");
  const { History } = await import("/js/live/history.js");
  const { record } = await import("/js/live/record.js");
  const history = new History();
  return new Promise((resolve, reject) => {
    const session = new Session(`ws://${location.host}/v1/stream`, { late: "wait" }, {
      onMessage: (message) => message.type === "measurement" && history.add(message),
      onRewind: (time) => history.rewind(time),
      onState: () => {},
      onSummary: (summary) => resolve(record(summary, history, [])),
      onProblem: reject,
    });
    for (const piece of window.pieces) session.send(piece);
    session.finish();
  });
}"""
UPLOAD = """async () => {
  const answer = await fetch("/v1/analyses", { method: "POST", body: new Blob(window.pieces, { type: "video/webm" }) });
  return answer.json();
}"""


@dataclass(slots=True)
class Process:
    """The service as a process of its own, that can be killed and started again on its port."""

    port: int
    state: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(self.port)]
        environment = {**os.environ, "XDG_STATE_HOME": str(self.state), "ATTUNE_WORKERS": "1"}
        self._process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            try:
                httpx.get(f"{self.url}/v1/model").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The real service; its workers have decoded before."""
    process = Process(lasting_port(), tmp_path_factory.mktemp("state"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def new_live(camera_browser: Browser, service: Process) -> Iterator[NewVisit]:
    """Opens the page of the real service where live sessions begin."""
    with visits(camera_browser, service.url, "#live") as new:
        yield new


def test_a_face_before_the_camera_is_measured(live: Visit) -> None:
    live.agree()
    expect(live.page.locator(".session .face:not([hidden])").first).to_be_visible()
    live.stop()


def test_a_recorded_stream_gives_what_its_upload_gives(live: Visit) -> None:
    live.page.evaluate(RECORD, 6)
    streamed: dict[str, Any] = live.page.evaluate(STREAM)
    uploaded: dict[str, Any] = live.page.evaluate(UPLOAD)
    assert len(streamed["people"]) == len(uploaded["people"]) > 0
    for mine, theirs in zip(streamed["people"], uploaded["people"], strict=True):
        assert len(mine["timeline"]) == len(theirs["timeline"]) > 100
        assert mine["summary"]["expressed"] == theirs["summary"]["expressed"]
        for ours, step in zip(mine["timeline"], theirs["timeline"], strict=True):
            assert ours["time"] == step["time"]
            assert ours["speech"] == step["speech"]
            assert ours["modalities"] == step["modalities"]
            assert ours["probabilities"] == pytest.approx(step["probabilities"], abs=1e-5)
        for label in LABELS:
            np.testing.assert_allclose(mine["attention"][label], theirs["attention"][label], atol=1e-5)
            assert sum(mine["attention"][label]) == pytest.approx(1, abs=1e-6)
    assert [one["start"] for one in streamed["speech"]["segments"]] == pytest.approx(
        [one["start"] for one in uploaded["speech"]["segments"]]
    )


def test_the_session_goes_on_after_the_service_was_killed_and_started_again(live: Visit, service: Process) -> None:
    sockets: list[str] = []
    live.page.on("websocket", lambda found: found.on("framereceived", lambda text: sockets.append(str(text))))
    live.agree()
    live.page.wait_for_timeout(5000)
    service.kill()
    expect(live.page.locator(".state[data-state='lost']")).to_be_visible()
    service.start()
    expect(live.page.locator(".state")).to_have_text("Measuring")
    assert sum('"session.resumed"' in text for text in sockets) == 1
    live.page.wait_for_timeout(3000)
    live.stop()
    live.forgive("WebSocket connection")
    document = live.downloaded()
    media = document["media"]
    assert media["duration"] > 8
    assert media["frames"] == media["measured"] + media["off_grid"] + sum(media["dropped"].values())
    times = [step["time"] for person in document["people"] for step in person["timeline"]]
    assert max(times) > media["duration"] - 0.3
    for person in document["people"]:
        steps = [round(25 * step["time"]) for step in person["timeline"]]
        assert steps == sorted(set(steps))
        for label in LABELS:
            assert sum(person["attention"][label]) == pytest.approx(1, abs=1e-5)
