"""The analysis of a recording as a whole."""

import pytest
from builders import info, step

from service.analysis import Recording
from service.engine import Engine


def test_neither_face_nor_speech_is_nobody(engine: Engine) -> None:
    recording = Recording(engine)
    assert recording.push([step(k, sound=k % 2 == 0) for k in range(30)]) == []
    result = recording.finish(info(30))
    assert (result.people, result.speech.segments) == ([], [])
    assert result.model.version == engine.fusion.version


def test_the_result_has_everything_that_was_pushed(engine: Engine) -> None:
    recording = Recording(engine)
    measurements = [
        one
        for start in (0, 20)
        for one in recording.push([step(k, tracks=[1], speech=5 <= k < 25) for k in range(start, start + 20)])
    ]
    [person] = recording.finish(info(40)).people
    assert len(measurements) == len(person.timeline) == 40
    assert person.summary.modalities == ["audio", "video"]
    assert [entry is None for entry in person.alignment[:6]] == [True] * 5 + [False]
    assert [(s.start, s.end) for s in recording.finish(info(40)).speech.segments] == [(0.16, 0.96)]
    assert (recording.seconds, recording.people) == (1.6, 1)


def test_a_timeline_rate_thins_the_result_alone(engine: Engine) -> None:
    recording = Recording(engine, timeline_fps=5)
    assert len(recording.push([step(k, tracks=[1]) for k in range(50)])) == 50
    [person] = recording.finish(info(50, audio=False)).people
    assert len(person.timeline) == len(person.attention["sad"]) == 10


def test_a_horizon_too_short_for_the_network_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="horizon"):
        Recording(engine, horizon=0.05)
