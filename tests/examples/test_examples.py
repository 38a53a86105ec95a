"""Every program in examples/, run as its reader would run it, against a real service that asks for keys."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from api.harness import wait_until
from api.stub import answering
from examples.conftest import Deployment
from media.clips import Clip, write_clip
from playwright.sync_api import Browser, Page, expect

from service.representation import LABELS
from service.timeline.models import AnalysisResult

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATIENCE = 240

FOR_PAGES = PATIENCE * 1000
"""The same in milliseconds."""

PEOPLE = re.compile(rf"person 1: ({'|'.join(LABELS)}|uncertain|low_confidence)")


def _run(deployment: Deployment, *command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **deployment.environment, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of nobody, which is quickly analysed."""
    file = tmp_path_factory.mktemp("clips") / "tiny.mp4"
    file.write_bytes(write_clip(Clip(seconds=0.4)))
    return file


def test_curl_prints_the_result(deployment: Deployment, tiny: Path) -> None:
    done = _run(deployment, EXAMPLES / "analyse.sh", tiny)
    assert (done.returncode, done.stderr) == (0, "")
    assert AnalysisResult.model_validate_json(done.stdout).people == []


def test_curl_prints_why_the_service_refused(deployment: Deployment, tiny: Path) -> None:
    done = _run(deployment, EXAMPLES / "analyse.sh", tiny, ATTUNE_API_KEY="wrong")
    assert done.returncode == 22
    assert json.loads(done.stdout)["code"] == "unauthorized"


@pytest.fixture
def busy_at_first() -> Iterator[str]:
    """The address of a service that has no room for the first request."""
    answers = iter([(429, {"Retry-After": "1"}, b'{"code":"busy"}'), (200, {}, b'{"people":[]}')])

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = next(answers)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with answering(Busy) as port:
        yield f"http://127.0.0.1:{port}"


def test_curl_that_has_to_come_again_prints_the_result_alone(
    deployment: Deployment, busy_at_first: str, tiny: Path, tmp_path: Path
) -> None:
    done = _run(deployment, EXAMPLES / "analyse.sh", tiny, ATTUNE_URL=busy_at_first, TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, '{"people":[]}')
    assert list(tmp_path.iterdir()) == [], "it left something behind"


def test_python_tells_what_each_person_expresses(deployment: Deployment, sample: Path) -> None:
    done = _run(deployment, sys.executable, EXAMPLES / "analyse.py", sample)
    assert (done.returncode, done.stderr) == (0, "")
    assert PEOPLE.fullmatch(done.stdout.strip()), done.stdout


def test_python_tells_why_the_service_refused(deployment: Deployment) -> None:
    done = _run(deployment, sys.executable, EXAMPLES / "analyse.py", Path(__file__))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("unsupported_media: ")


def test_a_live_session_tells_changes_and_then_the_whole(deployment: Deployment, sample: Path) -> None:
    done = _run(deployment, sys.executable, EXAMPLES / "live.py", sample)
    assert (done.returncode, done.stderr) == (0, "")
    *changes, whole = done.stdout.splitlines()
    assert changes
    for line in changes:
        assert re.fullmatch(rf" +\d+\.\d s  person 1: ({'|'.join(LABELS)})", line)
    assert PEOPLE.fullmatch(whole.removeprefix(" whole    "))


@pytest.fixture
def site(deployment: Deployment) -> Iterator[str]:
    """The address of the site that lends its visitors tokens."""
    url = f"http://127.0.0.1:{deployment.site_port}/"
    command = [sys.executable, str(EXAMPLES / "browser" / "server.py"), str(deployment.site_port)]
    with subprocess.Popen(command, env={**os.environ, **deployment.environment}, stderr=subprocess.DEVNULL) as process:

        def answers() -> bool:
            assert process.poll() is None, "it ended by itself"
            try:
                return httpx.get(url, trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(answers)
            yield url
        finally:
            process.terminate()


@pytest.fixture
def page(camera_browser: Browser, site: str) -> Iterator[Page]:
    """The site's page; the browser may have complained of nothing in the end."""
    page = camera_browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site)
    yield page
    page.close()
    assert complaints == []


def test_a_page_of_another_site_sends_a_recording(page: Page, sample: Path) -> None:
    page.locator("input").set_input_files(sample)
    expect(page.locator("output")).to_have_text(PEOPLE, timeout=FOR_PAGES)


def test_a_page_of_another_site_streams_its_camera(page: Page) -> None:
    page.locator("#start").click()
    measured = re.compile(rf"\d+\.\d s, person 1: ({'|'.join(LABELS)})")
    expect(page.locator("output")).to_have_text(measured, timeout=FOR_PAGES)
    page.locator("#stop").click()
    expect(page.locator("output")).to_have_text(PEOPLE, timeout=FOR_PAGES)


def test_the_key_stays_with_the_site(page: Page, deployment: Deployment) -> None:
    answer = page.evaluate("async () => (await fetch('/token', { method: 'POST' })).json()")
    assert answer["url"] == deployment.environment["ATTUNE_URL"]
    assert deployment.key not in page.content() + json.dumps(answer)
    headers = {"Authorization": f"Bearer {answer['token']}"}
    refused = deployment.running.client.post("/v1/tokens", headers=headers)
    assert refused.status_code == 401, "a token makes no further tokens"
