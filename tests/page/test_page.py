"""The page for everybody: narrow, by keyboard alone, light and dark, with its notice."""

import re
from pathlib import Path

import pytest
from page.visiting import NewVisit, Visit, write_video
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PAGE = Path(__file__).parents[2] / "service" / "page"


def test_the_notice_says_what_the_numbers_mean_and_what_is_not_allowed(visit: Visit, nobody: Path) -> None:
    notice = visit.page.get_by_role("region", name="What the numbers mean")
    for phrase in (
        "estimate of the emotion",
        "do not say what anyone feels",
        "workplace and in education",
        "Regulation (EU) 2024/1689, Article 5(1)(f)",
        "Article 50(3)",
        "non-commercial",
    ):
        expect(notice).to_contain_text(phrase)
    visit.analyse(nobody)
    expect(notice).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_narrow_screen(new_visit: NewVisit, two_people: Path, *, dark: bool) -> None:
    visit = new_visit(width=360, height=740, dark=dark)
    width = "() => document.documentElement.scrollWidth"
    assert visit.page.evaluate(width) == 360
    visit.analyse(two_people)
    visit.page.get_by_text("The timeline as a table").click()
    assert visit.page.evaluate(width) == 360


def test_a_keyboard_alone_does_everything(visit: Visit) -> None:
    assert visit.tab()["name"] == "Skip to the content"
    visit.tab_to("Drop a recording here")
    visit.tab_to("Use the sample clip")
    visit.page.keyboard.press("Enter")
    visit.wait_for_result()
    expect(visit.page.locator("#result-title")).to_be_focused()
    visit.tab_to("Download JSON")
    visit.tab_to("New recording")
    visit.tab_to("Play")
    visit.tab_to("Position")
    visit.tab_to("Moment in the recording")
    visit.page.keyboard.press("End")
    assert visit.moment == pytest.approx(10, abs=0.1)
    for key, moment in (("Home", 0.0), ("PageUp", 1.0), ("ArrowRight", 1.04), ("ArrowLeft", 1.0)):
        visit.page.keyboard.press(key)
        assert visit.moment == pytest.approx(moment)
    visit.tab_to("The timeline as a table")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("table")).to_be_visible()
    visit.tab_to("Timeline")


def test_a_tall_picture_keeps_its_shape(visit: Visit, tmp_path: Path) -> None:
    tall = write_video(tmp_path / "tall.mp4", "libx264", 1, lambda picture: picture[:, 220:420])
    visit.analyse(tall)
    visit.page.wait_for_function("() => document.querySelector('video').videoWidth > 0")
    stage = visit.page.locator(".stage").bounding_box()
    assert stage is not None
    assert stage["width"] / stage["height"] == pytest.approx(200 / 360, rel=0.02)
    assert stage["height"] <= 0.61 * 900


def test_server_sent_events_are_read_however_they_are_cut(visit: Visit) -> None:
    stream = (
        ': a comment\n\nevent: progress\ndata: {"a": 1}\n\nevent:result\r\ndata: one\r\ndata: two\r\n\r\ndata: x\n\n'
    )
    found = visit.page.evaluate(
        """async (stream) => {
          const { EventParser } = await import("/js/events.js");
          return [1, 2, 3, 7, stream.length].map((size) => {
            const parser = new EventParser();
            const events = [];
            for (let i = 0; i < stream.length; i += size) events.push(...parser.push(stream.slice(i, i + size)));
            return events.map(({ event, data }) => [event, data]);
          });
        }""",
        stream,
    )
    assert found == [[["progress", '{"a": 1}'], ["result", "one\ntwo"], ["message", "x"]]] * 5


def test_times_and_shares_read_well(visit: Visit) -> None:
    written = visit.page.evaluate(
        """async () => {
          const { clock, percent, size } = await import("/js/format.js");
          return [clock(3.2), clock(59.999), clock(61.5, 1), clock(3661, 0), clock(600, 0),
            percent(0.714), percent(0.001), percent(0), size(500), size(3.2e6)];
        }"""
    )
    assert [text.replace("\u202f", " ") for text in written] == [
        "3.20 s", "1:00.00", "1:01.5", "1:01:01", "10:00", "71 %", "< 1 %", "0 %", "1 kB", "3.2 MB",
    ]  # fmt: skip


def test_markup_never_enters_the_page_as_markup_and_modules_stay_small() -> None:
    modules = sorted((PAGE / "js").rglob("*.js"))
    assert modules
    for module in modules:
        text = module.read_text()
        assert len(text.splitlines()) < 200
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval("):
            assert way not in text
    assert " style=" not in (PAGE / "index.html").read_text()


def test_the_page_asks_for_all_modules_at_once() -> None:
    modules = {module.relative_to(PAGE).as_posix() for module in (PAGE / "js").rglob("*.js")}
    asked = re.findall(r'<link rel="modulepreload" href="([^"]+)">', (PAGE / "index.html").read_text())
    assert sorted(asked) == sorted(modules - {"js/main.js"})
