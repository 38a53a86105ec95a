"""A visitor's browser tab, and recordings made from the sample."""

import json
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

SAMPLE = Path(__file__).parents[2] / "service" / "page" / "sample.mp4"
PATIENCE = 120_000
"""Milliseconds within which anything must have happened, on a machine however busy."""

_FOCUSED = """() => {
  const { activeElement: element } = document;
  const style = getComputedStyle(element);
  const around = element.closest(".drop") ? getComputedStyle(element.closest(".drop")) : style;
  return {
    name: (element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText).trim(),
    visible: [style, around].some((s) => s.outlineStyle !== "none" && Number.parseFloat(s.outlineWidth) >= 2),
  };
}"""

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(slots=True)
class Visit:
    """One visitor's tab, and what the browser complained of meanwhile."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        """Load the page, listening to everything that it does from the first byte on."""
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def choose(self, recording: Path) -> None:
        """Choose a file as in the file dialogue."""
        self.page.locator("#file").set_input_files(recording)

    def analyse(self, recording: Path) -> None:
        """Choose a file and wait for its result."""
        self.choose(recording)
        self.wait_for_result()

    def use_sample(self) -> None:
        """One click, and wait for the result."""
        self.button("Use the sample clip").click()
        self.wait_for_result()

    def wait_for_result(self) -> None:
        """Wait until the result's heading stands; fail with the problem where there is one instead."""
        self.page.locator("#result-title, #problem:not([hidden])").first.wait_for()
        assert not self.page.locator("#problem").is_visible(), self.page.locator("#problem").inner_text()

    def button(self, name: str) -> Locator:
        """A button by what is written on it."""
        return self.page.get_by_role("button", name=name)

    def tab(self) -> dict[str, Any]:
        """Press Tab; the name of what is focused then, and whether one sees that it is."""
        self.page.keyboard.press("Tab")
        focused: dict[str, Any] = self.page.evaluate(_FOCUSED)
        return focused

    def tab_to(self, name: str) -> None:
        """Press Tab until the element of that name is focused; each one on the way must show its focus."""
        seen = []
        for _ in range(30):
            focused = self.tab()
            assert focused["visible"], f"focus on {focused['name']!r} cannot be seen"
            if focused["name"].startswith(name):
                return
            seen.append(focused["name"])
        pytest.fail(f"{name!r} cannot be reached; passed {seen}")

    def agree(self) -> None:
        """Agree to a live session, and wait for its first measurement."""
        self.button("I agree").click()
        expect(self.page.locator(".session .bar-value").first).to_be_visible()

    def stop(self) -> None:
        """Stop a live session, and wait for its summary."""
        self.button("Stop").click()
        self.page.locator("#live-result-title").wait_for()

    def downloaded(self, name: str = "Download JSON") -> dict[str, Any]:
        """What a link gives to download."""
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name=name).click()
        content: dict[str, Any] = json.loads(download.value.path().read_text())
        return content

    def forgive(self, expected: str) -> None:
        """Forget the complaints that hold these words; there must be at least one."""
        rest = [text for text in self.complaints if expected not in text]
        assert len(rest) < len(self.complaints)
        self.complaints[:] = rest

    @property
    def scrubber(self) -> Locator:
        """What one moves the cursor with."""
        return self.page.get_by_role("slider", name="Moment in the recording")

    @property
    def moment(self) -> float:
        """Seconds at which the cursor stands."""
        return float(self.scrubber.get_attribute("aria-valuenow") or "nan")

    def point_at(self, share: float) -> None:
        """Move the pointer over the charts, to a share of their width."""
        self.scrubber.scroll_into_view_if_needed()
        box = self.scrubber.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + share * box["width"], box["y"] + 20)

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


class NewVisit(Protocol):
    """Opens a tab of the given size in pixels, in the colours and with the motion that a visitor likes; `script` runs
    before the page's own."""

    def __call__(
        self, *, width: int = 1200, height: int = 900, dark: bool = False, calm: bool = False, script: str = ""
    ) -> Visit: ...


def percent(probability: float) -> str:
    """A probability as the page writes it."""
    return "< 1\u202f%" if 0 < probability < 0.005 else f"{int(probability * 100 + 0.5)}\u202f%"


def write_video(path: Path, codec: str, seconds: float, change: Change) -> Path:
    """The sample's first pictures, each changed, without sound."""
    with av.open(str(SAMPLE)) as source:
        pictures = [
            np.ascontiguousarray(change(frame.to_ndarray(format="rgb24").astype(np.uint8)))
            for _, frame in zip(range(round(seconds * 25)), source.decode(video=0), strict=False)
        ]
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode(None))
    return path


def write_voice(path: Path) -> Path:
    """The sample's voice alone, as wav."""
    with av.open(str(SAMPLE)) as source, wave.open(str(path), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(source.streams.audio[0].rate)
        for frame in source.decode(audio=0):
            target.writeframes((frame.to_ndarray()[0] * 32767).astype("<i2").tobytes())
    return path
