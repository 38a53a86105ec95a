"""A real service, a real browser, and recordings made for the occasion."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from page.camera import write_camera
from page.fake_service import FakeService
from page.visiting import PATIENCE, SAMPLE, NewVisit, Visit, write_video, write_voice
from playwright.sync_api import Browser, expect, sync_playwright

from service.api.server import server
from service.settings import Settings

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """The address of a running service with the committed weights, without a slash at the end."""
    service = server(Settings.model_validate({"port": 0, "workers": 1, "max_analyses": 2, "provider": "cpu"}))
    thread = threading.Thread(target=service.run)
    thread.start()
    deadline = time.monotonic() + PATIENCE / 1000
    while not service.started:
        assert thread.is_alive(), "the service did not start; its log says why"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    port = service.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    service.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    """Headless Chromium.

    It is closed after each module: while it is open, Playwright's event loop stands in the way of any other.
    """
    with _chromium(program(*_CHROMIUM), []) as browser:
        yield browser


@pytest.fixture(scope="module")
def camera_browser(program: Callable[..., str], camera: list[str]) -> Iterator[Browser]:
    """Headless Chromium whose camera and microphone play the sample, with leave to use them."""
    with _chromium(program(*_CHROMIUM), camera) as browser:
        yield browser


@contextmanager
def _chromium(executable: str, further: list[str]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*_ARGUMENTS, *further])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Chromium's options for a camera and a microphone that play the sample."""
    return write_camera(SAMPLE, tmp_path_factory.mktemp("camera"))


@contextmanager
def visits(browser: Browser, base_url: str, view: str = "") -> Iterator[NewVisit]:
    """Opens the page. At the end, no request may have left the service and the browser may have complained of nothing:
    no error, no warning, no breach of the content policy."""
    visits: list[Visit] = []
    expect.set_options(timeout=PATIENCE)

    def new(*, width: int = 1200, height: int = 900, dark: bool = False, calm: bool = False, script: str = "") -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if calm else "no-preference",
        )
        context.set_default_timeout(PATIENCE)
        if script:
            context.add_init_script(script)
        visit = Visit(context.new_page())
        visits.append(visit)
        visit.open(f"{base_url}/{view}")
        return visit

    yield new
    own = (f"{base_url}/", f"blob:{base_url}/", "data:image/svg+xml,")
    for visit in visits:
        visit.page.context.close()
        assert visit.complaints == []
        assert [url for url in visit.requests if not url.startswith(own)] == []


@pytest.fixture
def new_visit(browser: Browser, base_url: str) -> Iterator[NewVisit]:
    """Opens the page on a screen of any size."""
    with visits(browser, base_url) as new:
        yield new


@pytest.fixture
def fake() -> Iterator[FakeService]:
    """A service that measures nothing, started; it must have been sent the right bytes after every interruption."""
    service = FakeService()
    service.start()
    yield service
    service.kill()
    assert service.faults == []


@pytest.fixture
def new_live(camera_browser: Browser, fake: FakeService) -> Iterator[NewVisit]:
    """Opens the page of the fake service where live sessions begin."""
    with visits(camera_browser, fake.url, "#live") as new:
        yield new


@pytest.fixture
def live(new_live: NewVisit) -> Visit:
    """The same on a large light screen."""
    return new_live()


@pytest.fixture
def visit(new_visit: NewVisit) -> Visit:
    """The page on a large light screen."""
    return new_visit()


@pytest.fixture(scope="module")
def sample_visit(browser: Browser, base_url: str) -> Iterator[Visit]:
    """A page that shows the sample's result, for all tests of a module."""
    with visits(browser, base_url) as new:
        visit = new()
        visit.use_sample()
        yield visit


@pytest.fixture(scope="session")
def sample_result(base_url: str) -> dict[str, Any]:
    """What the API answers to the sample clip."""
    answer = httpx.post(f"{base_url}/v1/analyses", content=SAMPLE.read_bytes(), timeout=PATIENCE / 1000)
    content: dict[str, Any] = answer.raise_for_status().json()
    return content


@pytest.fixture(scope="session")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's face and its mirror image side by side for three seconds."""
    path = tmp_path_factory.mktemp("page") / "two.mp4"
    return write_video(path, "libx264", 3, lambda picture: np.hstack((picture, picture[:, ::-1]))[::2, ::2])


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An even grey without sound for a second."""
    return write_video(tmp_path_factory.mktemp("page") / "grey.mp4", "libx264", 1, lambda picture: picture * 0 + 128)


@pytest.fixture(scope="session")
def old_format(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the sample in a format that browsers do not play."""
    return write_video(tmp_path_factory.mktemp("page") / "old.avi", "mpeg4", 2, lambda picture: picture)


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's voice alone."""
    return write_voice(tmp_path_factory.mktemp("page") / "voice.wav")
