"""A live session on the page: consent, what is shown while it runs, pause, stop, and its document."""

import json

import pytest
from page.fake_service import IDLE, FakeService, person_at
from page.sessions import check_document, wait_for_silence, wait_for_steps
from page.visiting import NewVisit, Visit, percent
from playwright.sync_api import expect

from service.representation import LABELS, STEP_RATE

pytestmark = pytest.mark.browser

COUNT_REQUESTS = """
  window.asked = 0;
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) => { window.asked += 1; return original(wanted); };
"""
COUNT_DRAWINGS = """
  window.drawn = 0;
  const original = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...area) { window.drawn += 1; original.apply(this, area); };
"""
DELAY_LEAVE = """
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.leave = Promise.withResolvers();
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await window.leave.promise;
    window.stream = await original(wanted);
    return window.stream;
  };
"""
KEEP_RECORDER = """
  const Original = MediaRecorder;
  window.MediaRecorder = class extends Original {
    constructor(...given) {
      super(...given);
      window.recorder = this;
    }
  };
"""
NO_MICROPHONE = """
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (wanted.audio) throw new DOMException("none", "NotFoundError");
    return original(wanted);
  };
"""
PAINTED = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  .data.some((value) => value > 0)"""


def refusing(name: str) -> str:
    return f'navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException("no", "{name}"); }};'


def test_consent_comes_before_the_camera_and_says_what_happens(new_live: NewVisit, fake: FakeService) -> None:
    visit = new_live(script=COUNT_REQUESTS)
    consent = visit.page.get_by_role("region", name="Before the camera starts")
    for phrase in ("What is sent", f"127.0.0.1:{fake.port}", "What is kept: nothing", "everybody in view"):
        expect(consent).to_contain_text(phrase)
    assert visit.page.evaluate("window.asked") == 0
    assert fake.offered == []
    visit.agree()
    assert visit.page.evaluate("window.asked") == 1
    assert fake.offered == [["attune.v1"]]
    assert fake.heard[0] == {"type": "session.update", "input": "container", "late": "drop"}
    expect(consent).to_be_hidden()
    expect(visit.page.get_by_role("heading", name="Live session")).to_be_focused()


def test_what_is_measured_is_shown_as_it_comes(live: Visit, fake: FakeService) -> None:
    live.agree()
    wait_for_steps(fake, live, 30)
    live.button("Pause").click()
    expect(live.page.locator(".state")).to_have_text("Paused")
    wait_for_silence(fake, live)
    newest = person_at(len(fake.ends) - 1, 1, alone=True)
    label = max(newest.probabilities, key=lambda name: newest.probabilities[name])
    expect(live.page.locator(".finding-label")).to_have_text(label)
    shown = live.page.locator(".bar-value").all_inner_texts()
    assert shown == [percent(newest.probabilities[name]) for name in LABELS]
    expect(live.page.locator(".chart-label.leading")).to_have_text(label)
    expect(live.page.locator(".fact-voice")).to_have_text("speech" if newest.speech else "silent")
    expect(live.page.locator(".fact-delay")).to_contain_text("(service 0.05\u202fs)")
    expect(live.page.locator(".tabs")).to_be_hidden()
    charts = live.page.locator(".session canvas.chart")
    assert charts.count() == len(LABELS) + 4
    for index in range(charts.count()):
        live.page.wait_for_function(PAINTED, arg=charts.nth(index).element_handle())


def test_the_face_is_framed_where_the_mirror_shows_it(live: Visit) -> None:
    live.agree()
    live.page.wait_for_function("() => document.querySelector('video').videoWidth === 640")
    frame = live.page.locator(".face").bounding_box()
    picture = live.page.locator("video").bounding_box()
    assert frame is not None
    assert picture is not None
    assert picture["width"] / picture["height"] == pytest.approx(640 / 360, rel=0.02)
    box = person_at(0, 1, alone=True).box
    assert box is not None
    left = (frame["x"] - picture["x"]) / picture["width"]
    assert left == pytest.approx(1 - box.x - box.width, abs=0.02)
    assert frame["height"] / picture["height"] == pytest.approx(box.height, abs=0.02)
    expect(live.page.locator(".face span")).to_contain_text("1 · ")


def test_each_person_has_a_colour_a_strip_and_a_tab(live: Visit, fake: FakeService) -> None:
    fake.several_from = 20
    live.agree()
    people = live.page.get_by_role("tablist", name="People on camera").get_by_role("tab")
    expect(people).to_have_count(2)
    expect(live.page.locator(".face:visible")).to_have_count(2)
    colours = [
        live.page.locator(f".face[data-person='{person}']").evaluate("(box) => getComputedStyle(box).borderColor")
        for person in (1, 2)
    ]
    assert colours[0] != colours[1]
    for person in (1, 2):
        strip = live.page.locator(f".chart-strip.hue-{person}")
        live.page.wait_for_function(PAINTED, arg=strip.element_handle())
    expect(people.nth(0)).to_have_attribute("aria-selected", "true")
    people.nth(0).focus()
    live.page.keyboard.press("ArrowRight")
    expect(people.nth(1)).to_be_focused()
    expect(live.page.get_by_role("tabpanel", name="Person 2")).to_be_visible()
    expect(live.page.locator(".face.selected")).to_have_attribute("data-person", "2")
    expect(live.page.locator(".fact-voice", has_text="person 2 speaks")).to_be_visible()
    expect(live.page.locator(".session .explanation", has_text="This person speaks")).to_be_visible()
    expect(live.page.locator(".session .explanation", has_text="Somebody else speaks")).to_be_visible()


def test_utterances_and_dropped_pictures_are_told(live: Visit) -> None:
    live.agree()
    expect(live.page.locator(".fact-dropped")).to_have_text("none")
    expect(live.page.get_by_role("log", name="Utterances")).to_contain_text("sad 71\u202f%")
    expect(live.page.locator(".fact-dropped")).to_have_text("1 picture (late)")


def test_a_pause_sends_nothing_but_signs_of_life_and_the_session_goes_on(live: Visit, fake: FakeService) -> None:
    live.agree()
    live.button("Pause").click()
    expect(live.page.get_by_text("Paused: nothing is sent")).to_be_visible()
    expect(live.page.locator(".face")).to_have_count(0)
    sent = wait_for_silence(fake, live)
    elapsed = live.page.locator(".elapsed").inner_text()
    live.page.wait_for_timeout(1000 * (IDLE + 1))  # longer than the service waits for a silent client
    assert len(fake.media) == sent
    assert {"type": "keepalive"} in fake.heard
    assert live.page.locator(".elapsed").inner_text() == elapsed
    live.button("Go on").click()
    expect(live.page.locator(".state")).to_have_text("Measuring")
    expect(live.page.locator(".face")).to_be_visible()
    assert len(fake.media) > sent
    live.stop()
    assert fake.resumptions == 0
    check_document(live.downloaded(), fake)


def test_stop_leads_to_the_summary_and_a_document_like_an_uploads(live: Visit, fake: FakeService) -> None:
    fake.several_from = 30
    live.agree()
    wait_for_steps(fake, live, 80)
    live.stop()
    expect(live.page.locator("#live-result-title")).to_be_focused()
    expect(live.page.locator(".finding-label")).to_have_text("happy")
    expect(live.page.locator("#live-result .result-head")).to_contain_text("dropped: 3 pictures (late)")
    assert live.page.evaluate("() => document.querySelector('.session video')") is None
    document = live.downloaded()
    summary = json.loads(fake.summary(len(fake.ends)).model_dump_json())
    assert document["media"] == summary["media"]
    assert document["model"] == summary["model"]
    assert [person["summary"] for person in document["people"]] == [one["summary"] for one in summary["people"]]
    assert document["speech"]["seconds"] == summary["speech"]["seconds"]
    spoken = sum(segment["end"] - segment["start"] for segment in document["speech"]["segments"])
    assert spoken == pytest.approx(summary["speech"]["seconds"], abs=1 / STEP_RATE)
    assert [one["start"] for one in document["utterances"]] == [
        (step - 40) / STEP_RATE for step in range(55, len(fake.ends), 60)
    ]
    check_document(document, fake)
    live.point_at(0.5)
    expect(live.page.locator(".moment")).to_contain_text("by face")


def test_another_session_can_follow(live: Visit, fake: FakeService) -> None:
    live.agree()
    live.stop()
    live.button("New session").click()
    expect(live.button("I agree")).to_be_focused()
    fake.media.clear()
    fake.ends.clear()
    live.agree()
    live.stop()
    check_document(live.downloaded(), fake)


def test_nobody_is_filmed_who_looks_at_something_else(live: Visit, fake: FakeService) -> None:
    live.agree()
    live.page.get_by_role("tab", name="File").click()
    expect(live.page.locator("#drop")).to_be_visible()
    sent = wait_for_silence(fake, live)
    live.page.wait_for_timeout(1000)
    assert len(fake.media) == sent
    live.page.get_by_role("tab", name="Live").click()
    expect(live.page.locator(".state")).to_have_text("Paused")
    live.button("Go on").click()
    expect(live.page.locator(".state")).to_have_text("Measuring")


def test_nobody_is_filmed_who_left_before_the_camera_was_allowed(new_live: NewVisit, fake: FakeService) -> None:
    visit = new_live(script=DELAY_LEAVE)
    visit.button("I agree").click()
    visit.page.get_by_role("tab", name="File").click()
    visit.page.evaluate("() => window.leave.resolve()")
    visit.page.wait_for_function("() => window.stream?.getTracks().every(({ readyState }) => readyState === 'ended')")
    assert fake.offered == []
    visit.page.get_by_role("tab", name="Live").click()
    visit.agree()
    assert len(fake.offered) == 1


def test_a_session_begins_for_who_is_back_when_the_camera_is_allowed(new_live: NewVisit) -> None:
    visit = new_live(script=DELAY_LEAVE)
    visit.button("I agree").click()
    visit.page.get_by_role("tab", name="File").click()
    visit.page.get_by_role("tab", name="Live").click()
    visit.page.evaluate("() => window.leave.resolve()")
    expect(visit.page.locator(".session .bar-value").first).to_be_visible()


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("NotAllowedError", "Not allowed"),
        ("NotFoundError", "No camera, no microphone"),
        ("NotReadableError", "Camera in use"),
        ("AbortError", "No camera"),
    ],
)
def test_without_a_camera_the_page_says_why(new_live: NewVisit, fake: FakeService, reason: str, title: str) -> None:
    visit = new_live(script=refusing(reason))
    visit.button("I agree").click()
    expect(visit.page.get_by_role("alert")).to_contain_text(title)
    expect(visit.button("I agree")).to_be_enabled()
    assert fake.offered == []


def test_a_camera_without_a_microphone_is_enough(new_live: NewVisit) -> None:
    visit = new_live(script=NO_MICROPHONE)
    visit.agree()
    assert visit.page.evaluate("() => document.querySelector('video').srcObject.getTracks().length") == 1


def test_a_camera_that_ends_ends_the_session(live: Visit, fake: FakeService) -> None:
    live.agree()
    live.page.evaluate(
        "() => { for (const track of document.querySelector('video').srcObject.getTracks()) {"
        " track.stop(); track.dispatchEvent(new Event('ended')); } }"
    )
    live.page.locator("#live-result-title").wait_for()
    check_document(live.downloaded(), fake)


@pytest.mark.parametrize("end", ["stop()", "dispatchEvent(new Event('error'))"])
def test_a_recorder_that_fails_ends_the_session(new_live: NewVisit, fake: FakeService, end: str) -> None:
    visit = new_live(script=KEEP_RECORDER)
    visit.agree()
    visit.page.evaluate(f"() => {{ window.recorder.{end}; }}")
    visit.page.locator("#live-result-title").wait_for()
    assert visit.page.evaluate("() => window.recorder.stream.getTracks().every((one) => one.readyState === 'ended')")
    check_document(visit.downloaded(), fake)


def test_a_keyboard_alone_does_everything(live: Visit, fake: FakeService) -> None:
    fake.several_from = 5
    live.page.get_by_role("tab", name="Live").focus()
    live.page.keyboard.press("ArrowLeft")
    expect(live.page.get_by_role("tab", name="File")).to_be_focused()
    live.page.keyboard.press("ArrowRight")
    live.tab_to("I agree")
    live.page.keyboard.press("Enter")
    expect(live.page.locator("#live-title")).to_be_focused()
    expect(live.page.get_by_role("tablist", name="People on camera")).to_be_visible()
    live.tab_to("Pause")
    live.page.keyboard.press("Enter")
    expect(live.button("Go on")).to_be_focused()
    live.page.keyboard.press("Enter")
    live.tab_to("Stop")
    live.tab_to("Person 1")
    live.page.keyboard.press("End")
    expect(live.page.get_by_role("tabpanel", name="Person 2")).to_be_visible()
    live.button("Stop").focus()
    live.page.keyboard.press("Enter")
    expect(live.page.locator("#live-result-title")).to_be_focused()
    live.tab_to("Download JSON")
    live.tab_to("New session")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_narrow_screen(new_live: NewVisit, fake: FakeService, *, dark: bool) -> None:
    fake.several_from = 5
    visit = new_live(width=360, height=740, dark=dark)
    width = "() => document.documentElement.scrollWidth"
    assert visit.page.evaluate(width) == 360
    visit.agree()
    expect(visit.page.get_by_role("log", name="Utterances")).to_contain_text("sad")
    assert visit.page.evaluate(width) == 360
    visit.stop()
    assert visit.page.evaluate(width) == 360


@pytest.mark.parametrize(("calm", "least", "most"), [(True, 1, 6), (False, 8, 30)])
def test_charts_keep_calm_for_those_who_want_it(new_live: NewVisit, *, calm: bool, least: int, most: int) -> None:
    visit = new_live(calm=calm, script=COUNT_DRAWINGS)
    visit.agree()
    before = visit.page.evaluate("() => window.drawn")
    visit.page.wait_for_timeout(3000)
    drawings = (visit.page.evaluate("() => window.drawn") - before) / (len(LABELS) + 4)
    assert least <= drawings <= most
