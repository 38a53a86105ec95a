"""How soon does the page show the first measurement of a face?

    PYTHONPATH=tests python -m benchmarks.first_measurement [--tries 7] [--json OUT]

Opens the page of a running service in real headless Chromium, whose camera and microphone play the sample clip, agrees
at once, and notes when the first box of a measured face is drawn: since the page was asked for, and since the camera
was granted. The exit code is 1 where the median since the grant is two seconds or more.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from page.camera import write_camera
from playwright.sync_api import sync_playwright

from benchmarks.serving import SAMPLE, save, say, serving

SOON = 2.0
_PATIENCE = 60_000
_AGREE_AT_ONCE = """
  addEventListener("DOMContentLoaded", () => document.querySelector("#agree").click());
  let granted = null;
  const watch = () => {
    if (document.querySelector(".session .face:not([hidden])")) {
      window.shown = { opened: performance.now() / 1000, granted: (performance.now() - granted) / 1000 };
    } else requestAnimationFrame(watch);
  };
  watch();
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await original(wanted);
    granted = performance.now();
    return stream;
  };
"""


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="Time to the first measurement on the page.")
    parser.add_argument("--tries", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(workers=1) as server:
        tries = measure(f"http://127.0.0.1:{server.port}/#live", Path(folder), arguments.tries)
    report = {
        "seconds_since_opening": [round(one["opened"], 2) for one in tries],
        "seconds_since_grant": [round(one["granted"], 2) for one in tries],
    }
    soon = median(report["seconds_since_grant"]) < SOON
    say(f"since opening: {report['seconds_since_opening']}, median {median(report['seconds_since_opening']):.2f} s")
    say(f"since the grant: {report['seconds_since_grant']}, median {median(report['seconds_since_grant']):.2f} s")
    save(report, arguments.json)
    return 0 if soon else 1


def measure(url: str, folder: Path, tries: int) -> list[dict[str, float]]:
    """Seconds since the page was asked for and since the grant, of each try."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", *write_camera(SAMPLE, folder)]
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        for _ in range(tries):
            context = browser.new_context()
            context.add_init_script(_AGREE_AT_ONCE)
            page = context.new_page()
            page.goto(url)
            page.wait_for_function("() => window.shown", timeout=_PATIENCE)
            found.append(page.evaluate("() => window.shown"))
            context.close()
        browser.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
