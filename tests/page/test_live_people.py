"""Who is on show in a running session: everyone of its last minute, and nobody else."""

import pytest
from page.fake_service import person_at
from page.visiting import Visit
from playwright.sync_api import Locator, expect

from service.representation import STEP_RATE

pytestmark = pytest.mark.browser

BOARD = """async () => {
  const { Board } = await import("/js/live/board.js");
  const { History } = await import("/js/live/history.js");
  const { fragment } = await import("/js/live/record.js");
  const history = new History();
  const container = document.querySelector("#session");
  document.querySelector("#consent").hidden = true;
  container.hidden = false;
  const camera = document.createElement("canvas");
  camera.getContext("2d");
  const board = new Board(container, camera.captureStream(), history, {});
  board.state = "open";
  window.add = (measurement) => {
    history.add(measurement);
    board.update(measurement, 0);
  };
  window.rewind = (time) => history.rewind(time);
  window.documented = () => fragment(history, []).people.map(({ id }) => id);
}"""


def measure(visit: Visit, seconds: float, *people: int) -> None:
    """Show a step at which these people were measured."""
    for person in people:
        step = person_at(round(STEP_RATE * seconds), person, alone=False)
        visit.page.evaluate("(step) => window.add(step)", step.model_dump(mode="json"))


def tabs(visit: Visit) -> Locator:
    return visit.page.locator("#session [role='tab']")


def expect_people(visit: Visit, *people: int) -> None:
    """Wait until just these have a tab and a strip, in this order."""
    names = [f"Person {person}" for person in people]
    expect(tabs(visit)).to_contain_text(names)
    expect(visit.page.locator("#session .chart-label[data-key^='person-']")).to_have_text(names)
    expect(visit.page.locator("#session .chart-strip")).to_have_count(len(people))


@pytest.fixture
def board(live: Visit) -> Visit:
    """A running session's view, fed by hand."""
    live.page.evaluate(BOARD)
    return live


def test_tabs_and_strips_are_of_those_measured_within_the_minute_and_the_document_of_all(board: Visit) -> None:
    measure(board, 1, 1, 2)
    expect_people(board, 1, 2)
    expect(board.page.locator("#session .face")).to_have_count(2)
    measure(board, 61, 1)
    expect_people(board, 1, 2)
    measure(board, 61.04, 1, 3)
    expect_people(board, 1, 3)
    expect(board.page.locator("#session .face")).to_have_count(2)
    measure(board, 62, 2)
    expect_people(board, 1, 2, 3)
    assert board.page.evaluate("() => window.documented()") == [1, 2, 3]


def test_whoever_is_alone_in_the_last_minute_needs_no_tab(board: Visit) -> None:
    several = board.page.locator("#session .caption", has_text="own strip")
    panel = board.page.locator("#session .person")
    measure(board, 1, 1, 2)
    expect(tabs(board).first).to_be_visible()
    expect(several).to_be_visible()
    expect(panel).to_have_role("tabpanel")
    measure(board, 70, 2)
    expect(tabs(board).first).to_be_hidden()
    expect(board.page.locator("#session .chart-strip")).to_have_count(0)
    expect(several).to_have_count(0)
    expect(panel).not_to_have_role("tabpanel")
    assert board.page.evaluate("() => window.documented()") == [1, 2]


def test_the_choice_falls_to_somebody_on_show_while_the_chosen_one_is_gone(board: Visit) -> None:
    chosen = board.page.locator("#session [role='tab'][aria-selected='true']")
    measure(board, 1, 1, 2, 3)
    tabs(board).nth(1).click()
    expect(chosen).to_contain_text("Person 2")
    expect(chosen).to_be_focused()
    measure(board, 70, 1, 3)
    expect_people(board, 1, 3)
    expect(chosen).to_contain_text("Person 1")
    expect(chosen).to_be_focused()
    measure(board, 71, 2)
    expect(chosen).to_contain_text("Person 2")
    board.page.keyboard.press("End")
    expect(chosen).to_contain_text("Person 3")


def test_people_are_on_show_also_while_an_old_part_is_measured_again(board: Visit) -> None:
    measure(board, 100, 1, 2)
    expect_people(board, 1, 2)
    board.page.evaluate("() => window.rewind(0)")
    measure(board, 0, 2, 4)
    expect_people(board, 2, 4)
