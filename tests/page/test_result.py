"""A result: one moment shared by picture, charts and read-out; the same numbers as a table and as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page.visiting import Visit, percent
from playwright.sync_api import expect

from service.representation import LABELS

pytestmark = pytest.mark.browser

PAINTED = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  .data.some((value) => value > 0)"""


def wait_for_picture(visit: Visit, time: float) -> None:
    visit.page.wait_for_function(
        "(time) => Math.abs(document.querySelector('video').currentTime - time) < 0.1", arg=time
    )


@pytest.fixture
def sample(sample_visit: Visit) -> Visit:
    """A visit that shows the start of the sample's result, with its picture ready."""
    sample_visit.scrubber.focus()
    sample_visit.page.keyboard.press("Home")
    sample_visit.page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    return sample_visit


def test_the_download_is_the_result_of_the_api(sample: Visit, sample_result: dict[str, Any]) -> None:
    content = sample.downloaded()
    assert content.keys() == sample_result.keys()
    for ours, theirs in zip(content["people"], sample_result["people"], strict=True):
        assert ours["summary"]["expressed"] == theirs["summary"]["expressed"]
        for mine, yours in zip(ours["timeline"], theirs["timeline"], strict=True):
            assert mine["time"] == yours["time"]
            assert mine["probabilities"] == pytest.approx(yours["probabilities"], abs=1e-5)


def test_hovering_a_chart_moves_cursor_read_out_and_picture(sample: Visit) -> None:
    timeline = sample.downloaded()["people"][0]["timeline"]
    for share in (0.25, 0.75):
        sample.point_at(share)
        wait_for_picture(sample, share * 10)
        assert sample.moment == pytest.approx(share * 10, abs=0.1)
        step = max((step for step in timeline if step["time"] <= sample.moment), key=lambda step: step["time"])
        label, probability = max(step["probabilities"].items(), key=lambda item: item[1])
        expect(sample.page.locator(".moment")).to_contain_text(f"{label} {percent(probability)}")
        expect(sample.page.locator(".chart-label.leading")).to_have_text(label)


def test_moving_the_cursor_is_announced(sample: Visit) -> None:
    sample.point_at(0.5)
    expect(sample.page.locator(".announcement")).to_contain_text("At ")
    assert sample.page.locator(".announcement").get_attribute("aria-live") == "polite"


def test_the_face_is_framed_where_the_result_has_it(sample: Visit) -> None:
    sample.point_at(0.6)
    timeline = sample.downloaded()["people"][0]["timeline"]
    step = max((step for step in timeline if step["time"] <= sample.moment), key=lambda step: step["time"])
    frame = sample.page.locator(".face").bounding_box()
    picture = sample.page.locator("video").bounding_box()
    assert frame is not None
    assert picture is not None
    centre = (frame["x"] + frame["width"] / 2 - picture["x"]) / picture["width"]
    assert centre == pytest.approx(step["box"]["x"] + step["box"]["width"] / 2, abs=0.02)
    assert frame["height"] / picture["height"] == pytest.approx(step["box"]["height"], abs=0.02)


def test_playing_moves_the_cursor_and_hovering_then_does_not(sample: Visit) -> None:
    # So slowly that the recording cannot end meanwhile, however busy the machine is.
    sample.page.locator("video").evaluate("(video) => { video.playbackRate = 0.0625; }")
    sample.page.get_by_role("button", name="Mute").click()
    sample.page.get_by_role("button", name="Play").click()
    sample.page.wait_for_function(
        "() => Number(document.querySelector('.scrubber').getAttribute('aria-valuenow')) > 0.1"
    )
    sample.point_at(0.99)
    assert sample.moment < 9
    sample.page.get_by_role("button", name="Pause").click()
    wait_for_picture(sample, sample.moment)


def test_every_chart_is_drawn(sample: Visit) -> None:
    charts = sample.page.locator("canvas.chart")
    assert charts.count() == len(LABELS) + 4
    for index in range(charts.count()):
        sample.page.wait_for_function(PAINTED, arg=charts.nth(index).element_handle())


def test_the_table_holds_the_numbers_of_the_timeline(sample: Visit) -> None:
    person = sample.downloaded()["people"][0]
    sample.page.get_by_text("The timeline as a table").click()
    expect(sample.page.get_by_role("table")).to_be_visible()
    header = sample.page.locator("thead th").all_inner_texts()
    assert header[1 : 1 + len(LABELS)] == list(LABELS)
    rows = sample.page.locator("tbody tr")
    assert 40 <= rows.count() <= 60  # ten seconds, a row each fifth of a second
    first = rows.first.locator("td").all_inner_texts()
    assert first[3] == percent(person["timeline"][0]["probabilities"]["happy"])


def test_several_people_are_tabs(visit: Visit, two_people: Path) -> None:
    visit.analyse(two_people)
    tabs = visit.page.get_by_role("tablist", name="People in the recording").get_by_role("tab")
    assert tabs.count() == 2
    expect(tabs.nth(0)).to_have_attribute("aria-selected", "true")
    tabs.nth(0).focus()
    visit.page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(visit.page.get_by_role("tabpanel", name="Person 2")).to_be_visible()
    visit.point_at(0.5)
    expect(visit.page.locator(".face:visible")).to_have_count(2)
    expect(visit.page.locator(".face.selected")).to_have_attribute("data-person", "2")


def test_sound_alone_is_played_and_charted(visit: Visit, voice: Path) -> None:
    visit.analyse(voice)
    expect(visit.page.locator("video")).to_have_count(0)
    expect(visit.page.locator(".evidence")).to_have_text("Evidence: voice")
    visit.page.wait_for_function("() => document.querySelector('audio').readyState >= 2")
    visit.point_at(0.3)
    expect(visit.page.locator(".moment")).to_contain_text("by voice")


def test_a_format_that_the_browser_lacks_leaves_the_charts(visit: Visit, old_format: Path) -> None:
    visit.analyse(old_format)
    expect(visit.page.get_by_text("This browser cannot play the recording")).to_be_visible()
    visit.point_at(0.5)
    assert visit.moment == pytest.approx(1, abs=0.1)
    expect(visit.page.locator(".moment")).to_contain_text("by face")


@pytest.mark.data
def test_a_picture_that_the_browser_lacks_leaves_sound_and_charts(visit: Visit, clip: Callable[[str], Path]) -> None:
    visit.analyse(clip("face_then_none_hevc.mov"))
    expect(visit.page.get_by_text("This browser cannot show the picture")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Play")).to_be_visible()
    expect(visit.page.locator("canvas.chart").first).to_be_visible()


def test_a_recording_without_anybody_says_so(visit: Visit, nobody: Path) -> None:
    visit.analyse(nobody)
    expect(visit.page.locator(".finding")).to_have_text("Nobody found")
    expect(visit.page.locator(".explanation")).to_contain_text("no face for long enough and no speech")
    expect(visit.page.locator("canvas")).to_have_count(0)
    assert visit.downloaded()["people"] == []
