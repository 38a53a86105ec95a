"""The binary format between a decoding process and the service."""

import json
import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from builders import info, step
from hypothesis import given
from hypothesis import strategies as st

from service.domain import Box, Face, FrameCounts, MediaInfo, ResumePoint, Step
from service.workers.codec import (
    MAX_DETAIL,
    MAX_FACES,
    MAX_SECONDS,
    MAX_STATE,
    CodecError,
    Decoder,
    End,
    Failure,
    Message,
    Notice,
    Report,
    encode,
)


def full_step(index: int, tracks: list[int], sound: bool, speech: bool, state: bytes | None, motion: float) -> Step:
    """A step with all that it can carry; a checkpoint where there is a state."""
    plain = step(index, tracks=tracks, sound=sound, speech=speech)
    faces = tuple(replace(face, motion=motion) for face in plain.faces)
    checkpoint = None if state is None else ResumePoint(index, 2**40 + index, 4000, state)
    return replace(plain, faces=faces, arrived=1000 * motion, checkpoint=checkpoint)


STEPS = st.builds(
    full_step,
    st.integers(0, 1000),
    st.lists(st.integers(1, 9), max_size=3),
    st.booleans(),
    st.booleans(),
    st.none() | st.binary(max_size=50),
    st.floats(0, 1),
)
OTHERS = st.sampled_from(
    [
        info(25),
        info(3, audio=False),
        info(3, video=False),
        FrameCounts(21, 6, 5, 4, 3, 3),
        Notice("rate_limited", "détail", 7),
        Notice("invalid_frame", "", None),
        Report(0.25, 1e-9, MAX_SECONDS, 25, 24, 25, 0),
        Report(0.0, 0.0, 0.0, 0, 0, 0, 0),
        Failure("busy", "détail"),
        Failure("invalid_message", "", 7),
        End(),
    ]
)


def decoded(*pieces: bytes) -> list[Message]:
    decoder = Decoder()
    return [message for piece in pieces for message in decoder.feed(piece)]


def assert_same(left: Message, right: Message) -> None:
    if not isinstance(left, Step):
        assert left == right
        return
    assert isinstance(right, Step)
    assert (left.index, left.speech, left.arrived) == (right.index, right.speech, right.arrived)
    assert left.checkpoint == right.checkpoint
    assert (left.mel is None) == (right.mel is None)
    if left.mel is not None:
        np.testing.assert_array_equal(left.mel, right.mel)
    assert [(face.track, face.box, face.motion) for face in left.faces] == [
        (face.track, face.box, face.motion) for face in right.faces
    ]
    for one, other in zip(left.faces, right.faces, strict=True):
        np.testing.assert_array_equal(one.crop, other.crop)


@given(st.lists(STEPS, max_size=4, unique_by=lambda step: step.index), st.lists(OTHERS, max_size=3), st.data())
def test_messages_survive_the_way_however_the_bytes_are_cut(
    steps: list[Step], others: list[Message], data: st.DataObject
) -> None:
    messages: list[Message] = [*sorted(steps, key=lambda step: step.index), *others]
    stream = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    back = decoded(*pieces)
    assert len(back) == len(messages)
    for one, other in zip(messages, back, strict=True):
        assert_same(one, other)


@given(st.binary(max_size=200))
def test_nonsense_is_refused_or_waits_for_more_but_never_anything_else(nonsense: bytes) -> None:
    try:
        messages = decoded(nonsense)
    except CodecError:
        return
    assert all(isinstance(message, End) or len(nonsense) > 5 for message in messages)


@pytest.mark.parametrize(
    ("length", "kind"),
    [
        (2**32 - 1, 1),
        (10_000_000, 1),
        (26, 2),
        (9000, 3),
        (1, 4),
        (2**21, 5),
        (25, 6),
        (9000, 7),
        (29, 8),
        (0, 9),
        (0, 0),
    ],
)
def test_a_length_beyond_its_kind_is_refused_from_the_header_alone(length: int, kind: int) -> None:
    with pytest.raises(CodecError):
        decoded(struct.pack("<IB", length, kind))


def test_the_largest_step_passes_and_one_face_more_cannot_be_sent() -> None:
    full = step(0, tracks=range(1, MAX_FACES + 1), sound=True)
    assert_same(full, decoded(encode(full))[0])
    with pytest.raises(ValueError, match="faces"):
        encode(step(0, tracks=range(1, MAX_FACES + 2)))


def test_a_step_of_wrong_shapes_cannot_be_sent() -> None:
    good = step(0, tracks=[1], sound=True)
    assert good.mel is not None
    face = Face(1, good.faces[0].box, good.faces[0].crop[1:])
    for bad in (Step(0, (), good.mel[1:], False), Step(0, (face,), None, False)):
        with pytest.raises(ValueError, match="shape"):
            encode(bad)


def test_a_step_that_does_not_go_forward_is_refused() -> None:
    with pytest.raises(CodecError):
        decoded(encode(step(5)), encode(step(5)))


def test_speech_without_sound_cannot_be_sent_and_is_refused() -> None:
    with pytest.raises(ValueError, match="without sound"):
        encode(Step(0, (), None, True))
    payload = struct.pack("<IBBd", 0, 2, 0, 0.0)
    with pytest.raises(CodecError, match="without sound"):
        decoded(struct.pack("<IB", len(payload), 1) + payload)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    good = step(0, tracks=[1], sound=True)
    assert good.mel is not None
    mel = np.full_like(good.mel, value)
    crop = good.faces[0].crop
    for bad in (
        Step(0, (), mel, False),
        Step(0, (Face(1, Box(0, value, 1, 1), crop),), None, False),
        Step(0, (Face(1, Box(0, 0, 1, 1), crop, value),), None, False),
        Step(0, (), None, False, arrived=value),
        MediaInfo(value, 0, 0, 0, True, True),
    ):
        with pytest.raises(CodecError):
            decoded(encode(bad))


def test_a_step_that_is_shorter_or_longer_than_it_says_is_refused() -> None:
    frame = encode(step(0, tracks=[1], sound=True))
    for payload in (frame[5:-1], frame[5:] + b"x"):
        with pytest.raises(CodecError):
            decoded(struct.pack("<IB", len(payload), 1) + payload)


def test_a_checkpoint_belongs_to_the_step_that_follows_it() -> None:
    frames = encode(replace(step(5), checkpoint=ResumePoint(5, 0, 0, b"state")))
    checkpoint = frames[: len(frames) - len(encode(step(5)))]
    for stream in (checkpoint + encode(step(6)), checkpoint + checkpoint + encode(step(5))):
        with pytest.raises(CodecError):
            decoded(stream)
    assert [
        message.checkpoint is None for message in decoded(frames, encode(step(6))) if isinstance(message, Step)
    ] == [
        False,
        True,
    ]


@pytest.mark.parametrize("checkpoint", [ResumePoint(4, 0, 0, b""), ResumePoint(5, 0, 0, bytes(MAX_STATE + 1))])
def test_a_checkpoint_of_another_step_or_beyond_its_bound_cannot_be_sent(checkpoint: ResumePoint) -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        encode(replace(step(5), checkpoint=checkpoint))


@pytest.mark.parametrize("text", ["[]", '{"code": "busy", "detail": "", "sequence": "1"}', '{"sequence": 1}', "{"])
def test_a_notice_that_is_no_notice_is_refused(text: str) -> None:
    with pytest.raises(CodecError):
        decoded(struct.pack("<IB", len(text), 7) + text.encode())


@pytest.mark.parametrize(
    "report",
    [
        Report(-0.001, 0, 0, 25, 0, 25, 0),
        Report(0, math.nan, 0, 25, 0, 25, 0),
        Report(0, 0, 1.01 * MAX_SECONDS, 25, 0, 25, 0),
        Report(0, 0, 0, 24, 25, 25, 0),
        Report(0, 0, 0, 25, 0, 24, 25),
        Report(0, 0, 0, 26, 0, 25, 0),
        Report(0, 0, 0, 25, 0, 26, 0),
    ],
)
def test_a_report_of_what_cannot_be_is_refused(report: Report) -> None:
    with pytest.raises(CodecError, match="report"):
        decoded(encode(report))


@pytest.mark.parametrize("text", ["[]", '{"code": 1, "detail": ""}', '{"code": "busy"}', "{", "[" * 8000, "\ufffe"])
def test_a_failure_that_is_no_failure_is_refused(text: str) -> None:
    payload = text.encode("utf-16" if text == "\ufffe" else "utf-8")
    with pytest.raises(CodecError):
        decoded(struct.pack("<IB", len(payload), 3) + payload)


def test_a_detail_is_cut_to_its_bound_on_both_sides() -> None:
    assert decoded(encode(Failure("busy", "x" * 5000))) == [Failure("busy", "x" * MAX_DETAIL)]
    payload = json.dumps({"code": "busy", "detail": "y" * 5000}).encode()
    assert decoded(struct.pack("<IB", len(payload), 3) + payload) == [Failure("busy", "y" * MAX_DETAIL)]
