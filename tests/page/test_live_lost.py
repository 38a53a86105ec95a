"""Lost connections: the session goes on by itself, whole and without doubles; or the page says why it cannot."""

from collections.abc import Callable
from typing import Any

import pytest
from page.fake_service import CHECKPOINT_EVERY, FakeService, draining
from page.sessions import check_document, wait_for_silence, wait_for_steps
from page.visiting import NewVisit, Visit
from playwright.sync_api import expect

from service.protocol.messages import ErrorMessage

pytestmark = pytest.mark.browser

REFUSED = "net::ERR_CONNECTION_REFUSED"
MOVE_CLOCK = """
  const original = performance.now.bind(performance);
  window.passed = 0;
  performance.now = () => original() + window.passed;
"""


def error(code: str, title: str, retry_after: int | None = None) -> ErrorMessage:
    return ErrorMessage(
        code=code, title=title, detail="Told by the service.", fatal=True, sequence=None, retry_after=retry_after
    )


def interrupt(visit: Visit, fake: FakeService) -> None:
    """Kill the service, start it again once the page has noticed, and wait until the session goes on."""
    fake.kill()
    expect(visit.page.locator(".state[data-state='lost']")).to_be_visible()
    fake.start()
    expect(visit.page.locator(".state")).to_have_text("Measuring")
    visit.complaints[:] = [text for text in visit.complaints if "WebSocket connection" not in text]


def test_a_killed_service_that_comes_back_goes_on_with_the_session(live: Visit, fake: FakeService) -> None:
    fake.several_from = 70
    live.agree()
    for times in (1, 2):
        wait_for_steps(fake, live, len(fake.ends) + 40)
        interrupt(live, fake)
        assert fake.resumptions == times
    expect(live.page.locator(".face").first).to_be_visible()
    wait_for_steps(fake, live, len(fake.ends) + 20)
    live.stop()
    check_document(live.downloaded(), fake)


def test_a_session_without_a_checkpoint_yet_begins_again_by_itself(live: Visit, fake: FakeService) -> None:
    fake.checkpoints = False
    live.agree()
    wait_for_steps(fake, live, 30)
    interrupt(live, fake)
    assert fake.resumptions == 0
    live.stop()
    check_document(live.downloaded(), fake)


def test_a_service_that_dies_while_it_ends_the_session_is_asked_again(live: Visit, fake: FakeService) -> None:
    live.agree()
    wait_for_steps(fake, live, 40)
    fake.kill()
    expect(live.page.locator(".state[data-state='lost']")).to_be_visible()
    live.button("Stop").click()
    expect(live.page.locator(".state")).to_have_text("Measuring what is left")
    live.page.wait_for_timeout(1500)  # the recorder's last piece
    fake.start()
    live.page.locator("#live-result-title").wait_for()
    live.forgive("WebSocket connection")
    check_document(live.downloaded(), fake)


def test_one_need_not_wait_for_the_summary(live: Visit, fake: FakeService) -> None:
    live.agree()
    fake.kill()
    live.button("Stop").click()
    live.button("Leave without a summary").click()
    expect(live.button("I agree")).to_be_focused()
    fake.start()
    live.page.wait_for_timeout(4000)  # longer than between two attempts
    assert len(fake.offered) == 1
    live.complaints.clear()


def test_an_interruption_is_told_and_no_face_is_framed_meanwhile(live: Visit, fake: FakeService) -> None:
    live.agree()
    fake.kill()
    expect(live.page.get_by_role("status").filter(has_text="Connection lost, trying again")).to_be_visible()
    expect(live.page.locator(".face")).to_have_count(0)
    fake.start()
    expect(live.page.locator(".state")).to_have_text("Measuring")
    live.complaints.clear()


def test_a_paused_session_outlives_losses_that_lie_far_apart(new_live: NewVisit, fake: FakeService) -> None:
    visit = new_live(script=MOVE_CLOCK)
    visit.agree()
    wait_for_steps(fake, visit, 40)
    visit.button("Pause").click()
    wait_for_silence(fake, visit)
    for times in (1, 2):
        fake.kill()
        fake.start()
        while fake.resumptions < times:
            assert visit.page.get_by_role("alert").is_hidden(), visit.page.get_by_role("alert").inner_text()
            visit.page.wait_for_timeout(50)
        visit.page.wait_for_timeout(500)  # the answer
        visit.page.evaluate("() => { window.passed += 121_000; }")
    visit.button("Go on").click()
    expect(visit.page.locator(".state")).to_have_text("Measuring")
    visit.stop()
    visit.complaints.clear()
    check_document(visit.downloaded(), fake)


def test_a_session_with_nobody_on_show_outlives_losses_with_checkpoints_between(
    new_live: NewVisit, fake: FakeService
) -> None:
    fake.nobody_from = 30
    visit = new_live(script=MOVE_CLOCK)
    visit.agree()
    wait_for_steps(fake, visit, 60)
    for times in (1, 2, 3):
        interrupt(visit, fake)
        assert fake.resumptions == times
        wait_for_steps(fake, visit, len(fake.ends) + CHECKPOINT_EVERY)
        visit.page.evaluate("() => { window.passed += 61_000; }")  # no connection stands for the page's whole patience
    visit.stop()
    check_document(visit.downloaded(), fake)


def outlive_refusals(live: Visit, fake: FakeService) -> None:
    """Lose the connection, be refused twice without a word to anybody, and go on."""
    fake.kill()
    fake.start()
    while len(fake.offered) < 3:
        assert live.page.get_by_role("alert").is_hidden()
        live.page.wait_for_timeout(100)
    fake.refusal = None
    expect(live.page.locator(".state")).to_have_text("Measuring")
    live.stop()
    live.complaints.clear()
    check_document(live.downloaded(), fake)


@pytest.mark.parametrize("code", ["token_invalid", "token_foreign_model"])
def test_a_token_that_one_replica_refuses_is_shown_to_the_next(live: Visit, fake: FakeService, code: str) -> None:
    live.agree()
    wait_for_steps(fake, live, 40)
    fake.refusal, fake.refusal_code = error(code, "Token not accepted"), 1008
    outlive_refusals(live, fake)


@pytest.mark.parametrize("code", [1011, 1012, 1013])
def test_a_failing_or_restarting_service_is_tried_again(live: Visit, fake: FakeService, code: int) -> None:
    live.agree()
    wait_for_steps(fake, live, 40)
    fake.refusal, fake.refusal_code = error("unavailable", "Service unavailable", retry_after=1), code
    outlive_refusals(live, fake)


def test_a_service_that_leaves_is_left_at_its_checkpoint_and_nobody_is_told_of_a_loss(
    live: Visit, fake: FakeService
) -> None:
    live.agree()
    wait_for_steps(fake, live, 40)
    live.page.evaluate(
        """() => {
          window.states = [];
          const state = document.querySelector(".state");
          const note = () => window.states.push(state.dataset.state);
          new MutationObserver(note).observe(state, { attributes: true, attributeFilter: ["data-state"] });
        }"""
    )
    for times in (1, 2):
        fake.leaves = True
        while fake.resumptions < times:
            live.page.wait_for_timeout(50)
        expect(live.page.locator(".state")).to_have_text("Measuring")
    assert set(live.page.evaluate("() => window.states")) == {"connecting", "open"}
    assert len(fake.offered) == 3
    wait_for_steps(fake, live, len(fake.ends) + 20)
    live.stop()
    check_document(live.downloaded(), fake)


def test_a_session_begins_elsewhere_where_the_first_service_leaves(live: Visit, fake: FakeService) -> None:
    fake.refusal, fake.refusal_code = draining(), 1012
    live.button("I agree").click()
    while len(fake.offered) < 2:
        assert live.page.get_by_role("alert").is_hidden()
        live.page.wait_for_timeout(50)
    fake.refusal = None
    expect(live.page.locator(".state")).to_have_text("Measuring")
    wait_for_steps(fake, live, 20)
    live.stop()
    check_document(live.downloaded(), fake)


def test_a_refused_token_ends_the_session_and_leaves_what_was_measured(live: Visit, fake: FakeService) -> None:
    live.agree()
    wait_for_steps(fake, live, 40)
    fake.refusal, fake.refusal_code = error("token_expired", "Token expired"), 1008
    fake.kill()
    steps = len(fake.ends)
    fake.start()
    alert = live.page.get_by_role("alert")
    expect(alert).to_contain_text("Token expired")
    live.complaints.clear()
    document = live.downloaded("Download what was measured until then")
    timeline: list[dict[str, Any]] = document["people"][0]["timeline"]
    assert 0 < len(timeline) <= steps
    assert [step["time"] for step in timeline] == [step / 25 for step in range(len(timeline))]
    assert len(document["people"][0]["attention"]["happy"]) == len(timeline)
    fake.refusal = None
    fake.media.clear()
    fake.ends.clear()
    live.agree()
    expect(alert).to_be_hidden()


def test_a_full_service_says_when_to_try_again(live: Visit, fake: FakeService) -> None:
    fake.refusal = error("busy", "Too many sessions at once", retry_after=5)
    live.button("I agree").click()
    expect(live.page.get_by_role("alert")).to_contain_text("Told by the service. Try again in 5 seconds.")
    expect(live.button("I agree")).to_be_visible()
    assert len(fake.offered) == 1


def unreachable(fake: FakeService) -> None:
    fake.kill()


def behind_a_proxy_without_websockets(fake: FakeService) -> None:
    fake.accepts = False


@pytest.mark.parametrize(
    ("prepare", "title"),
    [(unreachable, "Connection lost"), (behind_a_proxy_without_websockets, "No live session")],
)
def test_a_session_that_never_began_says_why(
    live: Visit, fake: FakeService, prepare: Callable[[FakeService], None], title: str
) -> None:
    prepare(fake)
    live.button("I agree").click()
    expect(live.page.get_by_role("alert")).to_contain_text(title)
    live.forgive("WebSocket connection")
    live.complaints[:] = [text for text in live.complaints if REFUSED not in text]
    if prepare is unreachable:
        fake.start()


def test_a_missing_api_key_is_asked_for_and_a_token_made_of_it_for_each_connection(
    new_live: NewVisit, fake: FakeService
) -> None:
    fake.key = "attune_a-key-of-the-fake"
    visit = new_live()
    visit.button("I agree").click()
    alert = visit.page.get_by_role("alert")
    for key in ("a-wrong-one", fake.key):
        expect(alert).to_contain_text("API key required")
        visit.page.get_by_label("API key").fill(key)
        visit.button("Use this key").click()
    measured = visit.page.locator(".session .bar-value").first
    expect(measured).to_be_visible()
    wait_for_steps(fake, visit, 30)
    interrupt(visit, fake)
    assert fake.resumptions == 1
    assert fake.tokens == ["token-1", "token-2"]
    assert fake.offered[-2:] == [["attune.v1", "attune.token.token-1"], ["attune.v1", "attune.token.token-2"]]
    fake.key = "another-key"
    fake.kill()
    fake.start()
    expect(alert).to_contain_text("API key required")
    visit.complaints.clear()
