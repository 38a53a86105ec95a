"""`attune.v1` against a model of it: whatever a client says in whatever order, its session is told what it was told it
would be, ends as the documents say, and leaves nothing behind."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from api.conftest import portrait
from api.frames_input import talking_head
from api.harness import Running, run, wait_until
from api.talking import Talk, talk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from media.clips import Clip, write_clip
from websockets.exceptions import ConnectionClosed
from wire.tokens import REFUSED

from service.protocol.messages import (
    Checkpoint,
    ErrorMessage,
    KeepAlive,
    Measurement,
    SessionClosing,
    SessionCreated,
    SessionResumed,
    SessionSummary,
    SessionUpdated,
)

STEPS: Final = 40
"""Of the recording: 1.6 seconds."""
CERTAIN: Final = 5
"""Steps before the end of what was sent that are as they are in the whole recording, but for these last ones."""
WRONG: Final = (
    "{",
    "[]",
    "null",
    '{"type": "session.start"}',
    '{"type": "measurement"}',
    '{"type": "session.update", "speed": 2}',
    '{"type": "session.update", "interval": 1e400}',
    '{"type": "session.update", "horizon": "2"}',
    '{"type": "session.resume"}',
    '{"type": "session.resume", "token": null}',
    '{"type": "session.close", "reason": "done"}',
    '{"type": "keepalive", "type": "keepalive", "at": 1}',
    '{"type": ["session.close"]}',
    b"",
)
"""What is no message at any time."""


def documented() -> set[tuple[int, str]]:
    """Codes of closings and of the errors before them, as docs/streaming.md has them."""
    page = (Path(__file__).parents[2] / "docs/streaming.md").read_text()
    return {
        (int(code), name)
        for code, names in re.findall(r"^\| (\d{4}) \| (.+?) \|", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }


DOCUMENTED: Final = documented()
SETTINGS: Final = settings(
    max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@dataclass(frozen=True, repr=False)
class Recording:
    """What clients send, and what is measured in the whole of it."""

    config: dict[str, Any]
    messages: Sequence[bytes]
    whole: Talk
    baseline: str
    """Learnt from the whole of it."""
    per_step: int
    """Messages that a step comes in; 0 where they are cut anywhere."""

    @property
    def checkpoints(self) -> list[Checkpoint]:
        return self.whole.all(Checkpoint)

    def numbers(self) -> dict[float, list[float]]:
        """Probabilities by time."""
        return {one.time: list(one.probabilities.values()) for one in self.whole.all(Measurement)}


def recording(running: Running, messages: Sequence[bytes], per_step: int, **config: str) -> Recording:
    """What is said and heard of `messages`."""

    def whole(**more: str) -> Talk:
        with talk(running) as session:
            session.say("session.update", **config, **more)
            session.send(messages)
            session.end()
        return session

    baseline = whole(baseline="learn").all(SessionSummary)[0].people[0].baseline
    assert baseline is not None
    return Recording(config, messages, whole(), baseline, per_step)


@pytest.fixture(scope="module")
def frames(running: Running) -> Recording:
    """Pictures and samples one by one."""
    return recording(running, talking_head(STEPS), per_step=2, input="frames")


@pytest.fixture(scope="module")
def container(running: Running) -> Recording:
    """A container in pieces."""
    clip = write_clip(
        Clip(
            "matroska",
            video="mpeg4",
            audio="pcm_s16le",
            seconds=STEPS / 25,
            size=(400, 300),
            pictures=portrait,
            muxer={"cluster_time_limit": "200"},
        )
    )
    size = len(clip) // 12 + 1
    pieces = [clip[start : start + size] for start in range(0, len(clip), size)]
    return recording(running, pieces, per_step=0, input="container")


class Client(RuleBasedStateMachine):
    """One client after another, each saying what comes to its mind; and one beside them who minds its business."""

    def __init__(self, running: Running, recordings: Sequence[Recording]) -> None:
        super().__init__()
        self.running = running
        self.recordings = recordings
        self.recording = recordings[0]
        self.session: Talk | None = None
        self.opening: Any = None
        self.phase = "gone"
        self.sent = 0
        """Messages of the recording that have been sent, from its beginning, replayed ones included."""
        self.resumed: Checkpoint | None = None
        self.other_opening = talk(running)
        self.other = self.other_opening.__enter__()

    # Coming and going

    @precondition(lambda self: self.session is None)
    @rule(which=st.integers(0, 1))
    def comes(self, which: int) -> None:
        self.recording = self.recordings[which]
        self.opening = talk(self.running)
        self.session = self.opening.__enter__()
        self.phase, self.sent, self.resumed = "open", 0, None

    @precondition(lambda self: self.session is not None)
    @rule()
    def leaves_without_a_word(self) -> None:
        self.let_go()

    def let_go(self) -> None:
        """The connection ends; the slot is free again."""
        self.opening.__exit__(None, None, None)
        self.session, self.phase = None, "gone"
        wait_until(lambda: self.running.service.sessions.active == 1)

    def ends(self, code: int, *names: str) -> None:
        """The service closes with `code`, after an error of one of these names."""
        assert self.session is not None
        assert self.session.hear_out() == code, self.session.heard[-1]
        self.check()
        failure = self.session.failure()
        assert failure.code in names, failure
        assert (code, failure.code) in DOCUMENTED
        self.let_go()

    # Setting up

    @precondition(lambda self: self.session is not None and self.phase in ("open", "set up", "streaming", "closing"))
    @rule(config=st.fixed_dictionaries({}, optional={"attention": st.booleans(), "alignment": st.booleans()}))
    def updates(self, config: dict[str, bool]) -> None:
        assert self.session is not None
        self.session.say("session.update", **self.recording.config, **config)
        if self.phase == "open":
            assert self.session.hear_until(SessionUpdated).config.input == self.recording.config["input"]
            self.phase = "set up"
        else:
            self.ends(1008, "invalid_message")

    @precondition(lambda self: self.phase == "open")
    @rule()
    def shows_a_baseline(self) -> None:
        assert self.session is not None
        self.session.say("session.update", **self.recording.config, baseline=self.recording.baseline)
        assert self.session.hear_until(SessionUpdated).config.baseline == self.recording.baseline
        self.let_go()  # measured against it, the numbers are others

    @precondition(lambda self: self.phase == "open")
    @rule(kind=st.sampled_from(["altered", "cut off", "longer", "empty", "checkpoint"]))
    def shows_a_baseline_that_is_not_good(self, kind: str) -> None:
        assert self.session is not None
        if kind == "checkpoint":
            token = self.recording.checkpoints[0].token[:4096]
        else:
            token = REFUSED[kind][0](self.running, self.recording.baseline)
        self.session.say("session.update", **self.recording.config, baseline=token)
        self.ends(1008, "token_invalid")

    @precondition(lambda self: self.session is not None)
    @rule(which=st.integers(0, 10**6))
    def goes_on(self, which: int) -> None:
        assert self.session is not None
        checkpoint = self.recording.checkpoints[which % len(self.recording.checkpoints)]
        self.session.say("session.resume", token=checkpoint.token)
        if self.phase != "open":
            self.ends(1008, "invalid_message")
            return
        resumed = self.session.hear_until(SessionResumed)
        assert (resumed.resume_at, resumed.replay_from) == (checkpoint.resume_at, checkpoint.replay_from)
        self.phase, self.resumed = "set up", checkpoint

    @precondition(lambda self: self.phase == "open")
    @rule(name=st.sampled_from(sorted(REFUSED)), which=st.integers(0, 10**6))
    def shows_a_token_that_is_not_good(self, name: str, which: int) -> None:
        assert self.session is not None
        spoil, code = REFUSED[name]
        good = self.recording.checkpoints[which % len(self.recording.checkpoints)].token
        self.session.say("session.resume", token=spoil(self.running, good))
        self.ends(1008, code)

    @precondition(lambda self: self.phase == "open")
    @rule()
    def shows_a_baseline_for_a_checkpoint(self) -> None:
        assert self.session is not None
        self.session.say("session.resume", token=self.recording.baseline)
        self.ends(1008, "token_invalid")

    # Media

    @precondition(lambda self: self.session is not None and self.phase != "closing")
    @rule(steps=st.integers(1, 15))
    def sends_media(self, steps: int) -> None:
        assert self.session is not None
        if self.phase == "open":
            self.updates({})
        if self.phase == "set up" and self.resumed is not None:
            self.sent = self.begin_again(self.resumed)
        if self.sent == len(self.recording.messages):
            return
        upto = self.sent + steps * (self.recording.per_step or 1)
        if self.recording.per_step:
            upto -= upto % self.recording.per_step
        self.session.send(self.recording.messages[self.sent : upto])
        self.sent = min(upto, len(self.recording.messages))
        self.phase = "streaming"

    def begin_again(self, checkpoint: Checkpoint) -> int:
        """Say what a checkpoint asks for that is no whole message; the message from which on to go on."""
        assert self.session is not None
        if self.recording.per_step:
            return checkpoint.replay_from
        whole = b"".join(self.recording.messages)
        ends = np.cumsum([len(message) for message in self.recording.messages])
        following = int(np.searchsorted(ends, checkpoint.replay_from, side="right"))
        self.session.send([whole[: checkpoint.init_bytes], whole[checkpoint.replay_from : ends[following]]])
        return following + 1

    @precondition(lambda self: self.phase == "streaming" and self.recording.per_step)
    @rule(data=st.binary(min_size=1, max_size=15))
    def sends_what_is_no_frame(self, data: bytes) -> None:
        assert self.session is not None
        self.session.socket.send(data)
        self.session.hear_until(ErrorMessage)
        last = self.session.heard[-1]
        assert isinstance(last, ErrorMessage)
        assert (last.code, last.fatal) == ("invalid_frame", False)

    @precondition(lambda self: self.phase in ("open", "set up") and self.resumed is None and self.sent == 0)
    @rule(data=st.binary(min_size=1, max_size=300))
    def sends_what_is_no_recording(self, data: bytes) -> None:
        assert self.session is not None
        if self.phase == "open":
            self.session.say("session.update", input="container")
        elif self.recording.per_step:
            return
        self.session.socket.send(b"no recording" + data)
        self.session.say("session.close")
        self.ends(1003, "unsupported_media", "media_unreadable", "no_media")

    @precondition(lambda self: self.phase == "closing")
    @rule()
    def sends_media_after_its_end(self) -> None:
        assert self.session is not None
        self.session.socket.send(self.recording.messages[0])
        self.may_have_ended("invalid_message")

    # Control

    @precondition(lambda self: self.session is not None and self.phase != "closing")
    @rule(pieces=st.integers(1, 5), ping=st.booleans())
    def stays(self, pieces: int, ping: bool) -> None:
        assert self.session is not None
        text = json.dumps({"type": "keepalive"})
        size = len(text) // pieces + 1
        self.session.socket.send(text[start : start + size] for start in range(0, len(text), size))
        if ping:
            self.session.socket.ping()
        self.session.hear_until(KeepAlive)

    @precondition(lambda self: self.session is not None and self.phase != "closing")
    @rule(message=st.sampled_from(WRONG))
    def says_what_is_no_message(self, message: str | bytes) -> None:
        assert self.session is not None
        self.session.socket.send(message)
        self.ends(1008, "invalid_message")

    @precondition(lambda self: self.session is not None and self.phase != "closing")
    @rule(binary=st.booleans())
    def says_too_much(self, binary: bool) -> None:
        assert self.session is not None
        excess = self.running.service.settings.max_message_bytes + 1
        self.session.socket.send(bytes(excess) if binary else " " * excess)
        self.ends(1009, "message_too_large")

    @precondition(lambda self: self.session is not None)
    @rule(listens=st.booleans())
    def closes(self, listens: bool) -> None:
        assert self.session is not None
        self.session.say("session.close")
        if self.phase == "closing":
            self.may_have_ended("invalid_message")
            return
        begun, self.phase = self.phase == "streaming", "closing"
        if listens:
            self.may_have_ended(*(() if begun else ("empty_body", "no_media", "media_unreadable")))

    def may_have_ended(self, *names: str) -> None:
        """The session ends: with a summary; or with an error of one of these names, or one for a recording that stops
        where it may not."""
        assert self.session is not None
        code = self.session.hear_out()
        self.check()
        if code == 1000:
            assert isinstance(self.session.heard[-1], SessionSummary)
            assert not any(error.fatal for error in self.session.all(ErrorMessage))
            self.check_whole()
        else:
            failure = self.session.failure()
            assert (code, failure.code) in DOCUMENTED
            cut_off = ("media_unreadable", "no_media", "unsupported_media", "empty_body")
            allowed = (*names, *(cut_off if self.resumed or not self.recording.per_step or not self.sent else ()))
            assert failure.code in allowed, failure
        self.let_go()

    # What must hold

    def check(self) -> None:
        """What was heard has its order, comes once, and is what the whole recording gives."""
        assert self.session is not None
        heard = self.session.heard
        assert isinstance(heard[0], SessionCreated)
        assert len(self.session.all(SessionCreated)) == 1
        for error in self.session.all(ErrorMessage):
            assert error.code not in ("internal_error", "worker_failed"), error
        fatal = [place for place, message in enumerate(heard) if isinstance(message, ErrorMessage) and message.fatal]
        assert fatal in ([], [len(heard) - 1])
        times = [one.time for one in self.session.all(Measurement)]
        assert times == sorted(set(times))
        assert not times or times[0] >= (self.resumed.resume_at if self.resumed else 0)
        expected = self.recording.numbers()
        last = (self.sent // self.recording.per_step - CERTAIN) / 25 if self.recording.per_step else 0
        for one in self.session.all(Measurement):
            if one.time < last:
                np.testing.assert_allclose(list(one.probabilities.values()), expected[one.time], atol=1e-5)

    def check_whole(self) -> None:
        """Every step of what was sent was told."""
        assert self.session is not None
        begin = self.resumed.resume_at if self.resumed else 0
        if self.recording.per_step:
            end = self.sent // self.recording.per_step / 25
        elif self.sent == len(self.recording.messages):
            end = STEPS / 25
        else:
            return
        wanted = [time for time in self.recording.numbers() if begin <= time < end - 1e-6]
        assert [one.time for one in self.session.all(Measurement) if one.time < end - 1e-6] == wanted

    def teardown(self) -> None:
        try:
            if self.session is not None:
                self.let_go()
            self.other.say("keepalive")
            self.other.hear_until(KeepAlive)
        finally:
            self.other_opening.__exit__(None, None, None)
        wait_until(lambda: self.running.service.sessions.active == 0)


def test_whatever_clients_say_in_whatever_order(running: Running, frames: Recording, container: Recording) -> None:
    assert len(frames.checkpoints) >= 3
    assert len(container.checkpoints) >= 2
    restarts = running.metric("attune_worker_restarts_total")
    clients: Any = partial(Client, running, (frames, container))  # typed as if it had to be the class itself
    run_state_machine_as_test(clients, settings=SETTINGS)
    assert running.metric("attune_worker_restarts_total") == restarts


@pytest.mark.parametrize("name", REFUSED)
def test_tokens_that_are_not_good_are_refused_by_name(running: Running, frames: Recording, name: str) -> None:
    spoil, code = REFUSED[name]
    with talk(running) as session:
        session.say("session.resume", token=spoil(running, frames.checkpoints[0].token))
        assert session.hear_out() == 1008
        assert session.failure().code == code


@given(steps=st.integers(0, STEPS), closes=st.booleans())
@settings(max_examples=4, deadline=None)
def test_a_drain_at_any_moment_loses_and_doubles_nothing(
    running: Running, frames: Recording, steps: int, closes: bool
) -> None:
    with run(workers=1, checkpoint_interval=0.4, session_grace=2) as leaving, talk(leaving) as session:
        session.say("session.update", input="frames")
        session.send(frames.messages[: 2 * steps])
        session.say("keepalive")
        session.hear_until(KeepAlive)
        leaving.server.should_exit = True
        session.hear_until(SessionClosing)
        with suppress(ConnectionClosed):  # it ends at its next checkpoint, whoever still speaks
            session.send(frames.messages[2 * steps :])
            if closes:
                session.say("session.close")
        code = session.hear_out()
    heard = session.all(Measurement)
    if code == 1012:
        assert session.failure().code == "draining"
        checkpoints = session.all(Checkpoint)
        with talk(running) as further:
            if checkpoints:
                heard = [one for one in heard if one.time < checkpoints[-1].resume_at]
                further.say("session.resume", token=checkpoints[-1].token)
                further.send(frames.messages[checkpoints[-1].replay_from :])
            else:
                heard = []
                further.say("session.update", input="frames")
                further.send(frames.messages)
            further.end()
        heard += further.all(Measurement)
    else:
        assert (code, closes) == (1000, True)
    assert [one.time for one in heard] == list(frames.numbers())
    for one in heard:
        np.testing.assert_allclose(list(one.probabilities.values()), frames.numbers()[one.time], atol=1e-5)
