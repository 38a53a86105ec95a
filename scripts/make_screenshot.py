"""Photograph the page with the sample clip's result, for the documents. Needs Chromium and the `dev` extra:

python scripts/make_screenshot.py docs/images/page.png
"""

import argparse
import io
import shutil
import threading
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from service.api.server import server
from service.settings import Settings

SIZE: ViewportSize = {"width": 1200, "height": 1510}
MOMENT_X = 500
"""Pixels from the start of the charts at which the cursor stands: about six seconds into the recording."""
PATIENCE = 120_000


def photograph(url: str) -> Image.Image:
    """The page at `url` once the sample is analysed."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.get_by_role("button", name="Use the sample clip").click()
        page.locator("#result-title").wait_for()
        page.wait_for_function("() => document.querySelector('video').readyState >= 2")
        page.locator(".scrubber").hover(position={"x": MOMENT_X, "y": 20})
        page.wait_for_function("() => document.querySelector('video').currentTime > 5")
        page.wait_for_function("() => !document.querySelector('video').seeking")
        page.evaluate("() => scrollTo({ top: 0, behavior: 'instant' })")
        page.wait_for_timeout(500)  # until the picture of that moment is painted
        image = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    return image


def main(path: Path) -> None:
    """Serve, photograph, and write a PNG of 256 colours."""
    service = server(Settings.model_validate({"port": 0, "workers": 1, "provider": "cpu"}))
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        while not service.started:
            if not thread.is_alive():
                raise RuntimeError("the service did not start; its log says why")
            time.sleep(0.05)
        port = service.servers[0].sockets[0].getsockname()[1]
        image = photograph(f"http://127.0.0.1:{port}/")
    finally:
        service.should_exit = True
        thread.join()
    image.convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the PNG to write")
    main(parser.parse_args().path)
