"""Photograph the page for the documents: a result, and a live session whose camera shows the sample clip.

Needs Chromium and the `dev` extra:

PYTHONPATH=tests python scripts/make_screenshot.py docs/images
"""

import argparse
import io
import shutil
import tempfile
import threading
import time
from pathlib import Path

from page.camera import write_camera
from page.visiting import SAMPLE
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from service.api.server import server
from service.settings import Settings

RESULT: ViewportSize = {"width": 1200, "height": 1600}
SESSION: ViewportSize = {"width": 1200, "height": 1500}
MOMENT_X = 500
"""Pixels from the start of the charts at which the cursor stands: about six seconds into the recording."""
SECONDS = 11
"""Length of the session: its charts, fifteen seconds wide at first, are well filled then."""
PATIENCE = 120_000
TO_THE_TOP = "() => scrollTo({ top: 0, behavior: 'instant' })"


def show_result(page: Page, url: str) -> None:
    """The page with the sample's result and the cursor in the middle of it."""
    page.goto(url)
    page.get_by_role("button", name="Use the sample clip").click()
    page.locator("#result-title").wait_for()
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    page.locator(".scrubber").hover(position={"x": MOMENT_X, "y": 20})
    page.wait_for_function("() => document.querySelector('video').currentTime > 5")
    page.wait_for_function("() => !document.querySelector('video').seeking")
    page.evaluate(TO_THE_TOP)
    page.wait_for_timeout(500)  # until the picture of that moment is painted


def show_session(page: Page, url: str) -> None:
    """The page while a session runs."""
    page.goto(f"{url}#live")
    page.get_by_role("button", name="I agree").click()
    page.locator(".session .face:visible").first.wait_for()
    page.wait_for_timeout(1000 * SECONDS)
    page.evaluate(TO_THE_TOP)
    page.locator(".session .face:visible").first.wait_for()


def photograph(page: Page, path: Path) -> None:
    """Write what is on the screen as a PNG of 256 colours."""
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").quantize(256).save(path, optimize=True)


def visit(url: str, folder: Path) -> None:
    """Photograph everything at `url`."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as media, sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", *write_camera(SAMPLE, Path(media))]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        for size, show, name in ((RESULT, show_result, "page.png"), (SESSION, show_session, "live.png")):
            page = browser.new_page(viewport=size, color_scheme="light")
            page.set_default_timeout(PATIENCE)
            show(page, url)
            photograph(page, folder / name)
            page.close()
        browser.close()


def main(folder: Path) -> None:
    """Serve and photograph."""
    service = server(Settings.model_validate({"port": 0, "workers": 1, "provider": "cpu"}))
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        while not service.started:
            if not thread.is_alive():
                raise RuntimeError("the service did not start; its log says why")
            time.sleep(0.05)
        port = service.servers[0].sockets[0].getsockname()[1]
        visit(f"http://127.0.0.1:{port}/", folder)
    finally:
        service.should_exit = True
        thread.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the PNGs go")
    main(parser.parse_args().folder)
