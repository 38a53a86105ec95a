"""Recordings in: by one click, by the file dialogue, by dropping; problems shown; the page works on."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from page.visiting import SAMPLE, Visit, percent
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

DROP = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true });
    document.querySelector("#drop").dispatchEvent(event);
  }
}"""


def drop(visit: Visit, recording: Path, media_type: str) -> None:
    content = base64.b64encode(recording.read_bytes()).decode()
    visit.page.evaluate(DROP, [recording.name, media_type, content])


def refused(visit: Visit, status: int) -> None:
    """Take note that the browser logs a refused request as a failed resource, as it should."""
    expected = [text for text in visit.complaints if f"status of {status}" in text]
    assert len(expected) == 1
    visit.complaints.remove(expected[0])


def test_one_click_analyses_the_sample(visit: Visit) -> None:
    visit.use_sample()
    expect(visit.page.get_by_role("heading", name="sample.mp4")).to_be_focused()
    expect(visit.page.locator(".finding")).to_contain_text("Expressed: ")
    expect(visit.page.locator(".evidence")).to_have_text("Evidence: face and voice")


def test_a_chosen_file_shows_the_summary_that_the_api_answers(visit: Visit, sample_result: dict[str, Any]) -> None:
    summary = sample_result["people"][0]["summary"]
    visit.analyse(SAMPLE)
    expect(visit.page.locator(".finding-label")).to_have_text(summary["expressed"])
    shown = dict(zip(summary["probabilities"], visit.page.locator(".bar-value").all_inner_texts(), strict=True))
    assert shown == {label: percent(probability) for label, probability in summary["probabilities"].items()}


def test_a_dropped_file_is_analysed(visit: Visit, voice: Path) -> None:
    drop(visit, voice, "audio/wav")
    visit.wait_for_result()
    expect(visit.page.get_by_role("heading", name="voice.wav")).to_be_visible()


def test_another_recording_can_follow_by_button_and_by_drop(visit: Visit, nobody: Path, voice: Path) -> None:
    visit.analyse(nobody)
    visit.page.get_by_role("button", name="New recording").click()
    expect(visit.page.locator("#file")).to_be_focused()
    visit.analyse(voice)
    drop(visit, nobody, "video/mp4")
    expect(visit.page.get_by_role("heading", name="grey.mp4")).to_be_visible()


def test_a_file_without_media_is_told_and_the_page_works_on(visit: Visit, tmp_path: Path, nobody: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear reader, this is no film. " * 20)
    visit.choose(text)
    problem = visit.page.get_by_role("alert")
    expect(problem).to_contain_text("Unsupported media")
    expect(problem).to_contain_text("unsupported_media")
    refused(visit, 415)
    visit.analyse(nobody)
    expect(problem).to_be_hidden()


def test_a_name_with_markup_is_shown_as_text(visit: Visit, tmp_path: Path, nobody: Path) -> None:
    trap = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    trap.write_bytes(nobody.read_bytes())
    visit.analyse(trap)
    expect(visit.page.locator("#result-title")).to_have_text(trap.name)
    assert visit.page.locator("main img").count() == 0


def test_a_lost_connection_is_told_and_the_page_works_on(visit: Visit, nobody: Path) -> None:
    visit.page.context.set_offline(True)
    visit.choose(SAMPLE)
    expect(visit.page.get_by_role("alert")).to_contain_text("Connection lost")
    assert all("ERR_INTERNET_DISCONNECTED" in text for text in visit.complaints)
    visit.complaints.clear()
    visit.page.context.set_offline(False)
    visit.analyse(nobody)


def test_sending_and_analysing_are_shown_as_they_go_on(visit: Visit) -> None:
    network = visit.page.context.new_cdp_session(visit.page)
    slowly = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    network.send("Network.emulateNetworkConditions", slowly)
    visit.page.evaluate(
        """() => {
          const status = document.querySelector("#status-text");
          window.told = [];
          new MutationObserver(() => window.told.push(status.textContent)).observe(status, { childList: true });
        }"""
    )
    visit.analyse(SAMPLE)
    told: list[str] = visit.page.evaluate("() => window.told")
    assert any(re.match(r"Sent \d+\skB of \d+\skB", text) for text in told)
    assert any(re.match(r"Analysed \d+\.\d\ss · 1 person so far", text) for text in told)


def test_a_refusal_for_now_says_when_to_try_again(visit: Visit) -> None:
    document = '{"title": "No room", "status": 429, "detail": "2 are running.", "code": "busy"}'

    def refuse(route: Route) -> None:
        route.fulfill(status=429, headers={"Retry-After": "2"}, content_type="application/problem+json", body=document)

    visit.page.route("**/v1/analyses", refuse)
    visit.choose(SAMPLE)
    expect(visit.page.get_by_role("alert")).to_contain_text("2 are running. Try again in 2 seconds.")
    refused(visit, 429)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ('event: progress\ndata: {"seconds": 1, "people": 1}\n\n', "Connection lost"),
        (
            'event: error\ndata: {"title": "Media is truncated", "detail": "", "code": "media_truncated"}\n\n',
            "truncated",
        ),
    ],
)
def test_an_answer_that_ends_without_a_result_is_a_problem(visit: Visit, body: str, title: str) -> None:
    visit.page.route("**/v1/analyses", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    visit.choose(SAMPLE)
    expect(visit.page.get_by_role("alert")).to_contain_text(title)


def test_cancelling_leads_back_to_choosing(visit: Visit, nobody: Path) -> None:
    visit.page.route("**/v1/analyses", lambda _: None)  # never answered
    visit.choose(SAMPLE)
    expect(visit.page.get_by_role("button", name="Cancel")).to_be_focused()
    expect(visit.page.locator("#status-name")).to_have_text("Analysing sample.mp4")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#file")).to_be_focused()
    expect(visit.page.get_by_role("alert")).to_be_hidden()
    visit.page.unroute("**/v1/analyses")
    visit.analyse(nobody)
