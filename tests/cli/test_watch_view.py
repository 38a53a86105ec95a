"""What a terminal, and what is none, shows of a session."""

import io

import pytest
from cli.watching import measurement, summary
from rich.console import Console

from service.cli.watch_state import SessionState
from service.cli.watch_view import View, clock, session_line, session_panels
from service.protocol.messages import FramesDropped, UtteranceEnd


def shown(renderable: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def state(*people: int, steps: int = 50) -> SessionState:
    session = SessionState()
    for step in range(steps):
        for person in people:
            score = 3.0 if step == 30 else 0.0
            session.add(measurement(step / 25, person, scores=score, speaking=person == 1 if len(people) > 1 else None))
    return session


def test_a_panel_has_bars_the_moments_and_who_speaks() -> None:
    session = state(1, 2)
    session.add(FramesDropped(dropped={"late": 3, "invalid": 1}))
    session.note = "connection lost, trying again"
    text = shown(session_panels("talk.mp4", session, 60))
    assert "Person 1 · speaking" in text
    assert "Person 2 · listening" in text
    assert "happy    █████████████████████" in text
    assert "most attended for happy: 0:01.2" in text
    assert "talk.mp4  0:02.0 · speech · delay 80 ms · 4 pictures dropped · connection lost, trying again" in text


def test_as_many_people_as_fit_are_shown_and_the_others_counted() -> None:
    text = shown(session_panels("x", state(1, 2, 3), 26))
    assert "Person 2" in text
    assert "Person 3" not in text
    assert "and 1 more" in text


def test_who_has_gone_is_not_shown_any_more() -> None:
    session = state(1)
    session.add(measurement(9.0, 2))
    assert [person.number for person in session.on_show] == [2]


def test_nobody_is_said_to_be_nobody() -> None:
    assert "Nobody yet" in shown(session_panels("x", SessionState(), 30))
    assert session_line(SessionState()).plain.startswith("0:00.0  nobody")


def test_the_end_of_an_utterance_is_the_end_of_speech() -> None:
    session = state(1)
    session.add(UtteranceEnd(start=0, end=2, people=[]))
    assert not session.speech


def test_the_delay_is_smoothed_and_unknown_ones_left_out() -> None:
    session = SessionState()
    session.add(measurement(0.0, delay=0.1))
    session.add(measurement(0.04, delay=None))
    session.add(measurement(0.08, delay=0.2))
    assert session.delay == pytest.approx(0.11)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_view_ends_with_the_summary(*, terminal: bool) -> None:
    out = io.StringIO()
    with View(Console(file=out, force_terminal=terminal, width=110, height=40), "a [b].mp4") as view:
        view.note("no microphone can be used: picture only")
        for step in range(100):
            view.show(measurement(step / 25, scores=2.0 if step == 60 else 0.0))
        view.show(summary(1))
    text = out.getvalue()
    end = text[text.rindex("10.0 s") :]
    assert "10.0 s · 640 × 480 · speech 6.3 s · 10 pictures dropped" in text
    assert "a [b].mp4" in text
    assert "no microphone" in text
    for cell in ("happy", "70%", "face + voice", "0:02.4 ("):
        assert cell in end


def test_where_there_is_no_terminal_there_is_a_line_for_each_second() -> None:
    out = io.StringIO()
    with View(Console(file=out, width=120), "x") as view:
        for step in range(100):
            view.show(measurement(step / 25))
    lines = out.getvalue().splitlines()
    assert lines[0] == "0:01.0  person 1: happy 70%, angry 5%  speech · delay 80 ms"
    assert len(lines) == 3


def test_nothing_is_summed_up_where_the_session_failed() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), View(Console(file=out, width=120), "x"):
        raise RuntimeError
    assert out.getvalue() == ""


def test_the_clock_has_minutes() -> None:
    assert clock(0) == "0:00.0"
    assert clock(754.26) == "12:34.3"
