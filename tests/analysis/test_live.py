"""The analysis of a live session."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from builders import info, step
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis import LiveAnalysis, Recording
from service.analysis.snapshot import pack, unpack
from service.domain import FrameCounts, Step
from service.engine import Engine
from service.protocol.attention import session_attention
from service.protocol.messages import Measurement, SessionConfig, UtteranceEnd, UtteranceStart

_PERSON_ONE_BYTES = 21_000
_PERSON_MORE_BYTES = 6_144
_PERSON_GONE_BYTES = 250


def _run(
    engine: Engine, steps: list[Step], config: SessionConfig, cuts: list[int] | None = None
) -> tuple[list[Any], dict[str, Any], dict[int, list[float]]]:
    """Events, summary and baselines; at each cut another analysis goes on from the snapshot of the one before."""
    live, events = LiveAnalysis(engine, config), list[Any]()
    for start, end in pairwise([0, *sorted(min(cut, len(steps)) for cut in cuts or []), len(steps)]):
        if start:
            live = LiveAnalysis.restore(engine, live.snapshot(), config)
        events += live.push(steps[start:end])
    end_of_media = info(steps[-1].index + 1)
    events += live.finish(end_of_media)
    summary = live.summary(end_of_media, FrameCounts())
    return events, summary.model_dump(), {one: found.tolist() for one, found in live.baselines().items()}


def _assert_same(found: Any, wanted: Any) -> None:
    """The same, numbers within 1e-5."""
    if isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-5, rel=1e-5)
    elif isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            _assert_same(found[key], wanted[key])
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            _assert_same(one, other)
    elif isinstance(wanted, Measurement | UtteranceStart | UtteranceEnd):
        assert type(found) is type(wanted)
        _assert_same(found.model_dump(), wanted.model_dump())
    else:
        assert found == wanted


@st.composite
def _sessions(draw: st.DrawFn) -> list[Step]:
    """People who come and go, speech with pauses, moving mouths, a time without media."""
    shape = st.tuples(st.sets(st.integers(1, 3), max_size=3), st.booleans(), st.booleans())
    runs = draw(st.lists(st.tuples(shape, st.integers(1, 30)), min_size=1, max_size=6))
    jump, seed = draw(st.integers(0, 100)), draw(st.integers(0, 99))
    motions = np.random.default_rng(seed).random((200, 4))
    steps: list[Step] = []
    for (tracks, sound, speech), length in runs:
        for _ in range(length):
            k = len(steps)
            one = step(k, tracks=sorted(tracks), sound=sound, speech=speech)
            faces = tuple(replace(face, motion=float(motions[k, face.track])) for face in one.faces)
            steps.append(replace(one, index=k if k < jump else k + 60, faces=faces))
    return steps


_CONFIGS = st.builds(
    SessionConfig,
    interval=st.sampled_from([0.0, 0.2]),
    horizon=st.sampled_from([None, 0.5, 2.0]),
    baseline=st.sampled_from([None, "learn"]),
    attention=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(steps=_sessions(), config=_CONFIGS, cuts=st.lists(st.integers(1, 150), max_size=4))
def test_going_on_from_snapshots_anywhere_equals_never_having_stopped(
    engine: Engine, steps: list[Step], config: SessionConfig, cuts: list[int]
) -> None:
    _assert_same(_run(engine, steps, config, cuts), _run(engine, steps, config))


def test_a_snapshot_keeps_every_bit_of_the_state(engine: Engine) -> None:
    config = SessionConfig(baseline="learn")
    live = LiveAnalysis(engine, config)
    live.push([step(k, tracks=[1, 2], speech=k > 3) for k in range(40)])
    snapshot = live.snapshot()
    assert LiveAnalysis.restore(engine, snapshot, config).snapshot() == snapshot


def test_a_session_tells_what_an_upload_of_the_same_gives(engine: Engine) -> None:
    steps = [step(k, tracks=[1] if k < 40 else [1, 2], speech=10 <= k < 30) for k in range(80)]
    recording, live = Recording(engine), LiveAnalysis(engine, SessionConfig())
    recording.push(steps)
    result = recording.finish(info(80))
    events = [event for start in range(0, 80, 7) for event in live.push(steps[start : start + 7])]
    summary = live.summary(info(80), FrameCounts(), {2: "signed"})
    assert summary.model == result.model
    assert [person.baseline for person in summary.people] == [None, "signed"]
    for person, other in zip(result.people, summary.people, strict=True):
        _assert_same(other.summary.model_dump(), person.summary.model_dump())
        own = [event for event in events if isinstance(event, Measurement) and event.id == person.id]
        fields = set(type(person.timeline[0]).model_fields)
        _assert_same([one.model_dump(include=fields) for one in own], [one.model_dump() for one in person.timeline])
        attention = session_attention(own, other)
        for label, weights in person.attention.items():
            assert attention[label] == pytest.approx(weights, abs=1e-5)


def test_a_snapshot_is_small(engine: Engine) -> None:
    def size(people: int) -> int:
        live = LiveAnalysis(engine, SessionConfig(baseline="learn"))
        live.push([step(k, tracks=range(1, people + 1), speech=True) for k in range(30)])
        return len(live.snapshot())

    sizes = [size(people) for people in (1, 2, 3, 4)]
    assert sizes[0] < _PERSON_ONE_BYTES
    assert max(b - a for a, b in pairwise(sizes)) < _PERSON_MORE_BYTES


def test_of_people_who_left_only_the_summary_is_kept(engine: Engine) -> None:
    def size(people: int) -> int:
        live = LiveAnalysis(engine, SessionConfig(baseline="learn"))
        for track in range(1, people + 1):
            live.push([step(k, tracks=[track]) for k in range(60 * track, 60 * track + 60)])
        assert len(live.summary(info(60 * people), FrameCounts()).people) == people
        return len(live.snapshot())

    assert size(12) - size(2) < 10 * _PERSON_GONE_BYTES


def test_a_snapshot_does_not_grow_with_the_session(engine: Engine) -> None:
    live = LiveAnalysis(engine, SessionConfig())
    sizes = set()
    for start in range(0, 1000, 100):
        live.push([step(k, tracks=[1], speech=True) for k in range(start, start + 100)])
        sizes.add(len(live.snapshot()))
    assert len(sizes) == 1


def test_the_snapshot_of_another_model_or_version_is_refused(engine: Engine) -> None:
    config = SessionConfig()
    arrays = unpack(LiveAnalysis(engine, config).snapshot())
    foreign = pack(arrays | {"analyser.sound": arrays["analyser.sound"][:-1]})
    with pytest.raises(ValueError, match="model"):
        LiveAnalysis.restore(engine, foreign, config)
    with pytest.raises(ValueError, match="snapshot"):
        LiveAnalysis.restore(engine, b"no snapshot", config)


def test_a_baseline_learnt_in_one_session_is_reused_in_another(engine: Engine) -> None:
    learning = LiveAnalysis(engine, SessionConfig(baseline="learn"))
    learning.push([step(k, tracks=[1]) for k in range(50)])
    known = learning.baselines()[1]
    signed = SessionConfig(baseline="signed")
    reusing = LiveAnalysis(engine, signed, baseline=known)
    reusing.push([step(k, tracks=[1]) for k in range(10)])
    assert reusing.baselines() == {}
    again = LiveAnalysis.restore(engine, reusing.snapshot(), signed, baseline=known)
    later = [step(k, tracks=[1]) for k in range(10, 20)]
    assert again.push(later) == reusing.push(later)


def test_measurements_carry_their_delay_and_progress_is_told(engine: Engine) -> None:
    live = LiveAnalysis(engine, SessionConfig())
    steps = [replace(step(k, tracks=[1]), arrived=10.0) for k in range(25)]
    assert {event.delay for event in live.push(steps, now=10.25) if isinstance(event, Measurement)} == {0.25}
    assert (live.seconds, live.people) == (1.0, 1)
