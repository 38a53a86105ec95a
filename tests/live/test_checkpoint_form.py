"""What a checkpoint holds has a form with a number: sessions go on in any version of the service that knows it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.streaming import frame_messages

from benchmarks.webm import LoopedRecording
from service.analysis import LiveAnalysis
from service.analysis.snapshot import unpack
from service.api.state import CHECKPOINT_FORM
from service.domain import ResumePoint
from service.engine import Engine
from service.media import FrameReader, Live, MediaReader, decode, decode_frames
from service.media.limits import MediaLimits
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.protocol.frames import unpack as unpack_frame
from service.protocol.messages import SessionConfig
from service.representation import STEP_RATE

LISTING = Path(__file__).with_name("checkpoint_form.json")
AGAIN = f"where this is meant, raise CHECKPOINT_FORM and write the difference into {LISTING.name}"


def form(value: Any) -> Any:
    """The form of a JSON value: its names, how lists are nested, and kinds for numbers and texts."""
    match value:
        case dict():
            return {name: form(part) for name, part in value.items()}
        case list():
            forms = [form(part) for part in value]
            return [forms[0], "..."] if len(forms) > 1 and all(one == forms[0] for one in forms) else forms
        case None | bool():
            return str(value)
        case int() | float():
            return "number"
    return "text"


@pytest.fixture(scope="module")
def data(sample: Path) -> bytes:
    """Three seconds of a live WebM recording with a face and a voice."""
    return b"".join(piece.data for piece in LoopedRecording(sample, 3.0, size=(320, 240)).pieces(3.0, 1.0))


def container(data: bytes) -> MediaReader:
    return decode(io.BytesIO(data), MediaLimits(), live=Live(None))


def frames(data: bytes) -> FrameReader:
    messages = ((unpack_frame(message), 0.0) for message in frame_messages(data))
    return decode_frames(messages, MediaLimits(), live=Live(None), report=_refuse)


def _refuse(error: Exception) -> None:
    raise error


def checkpoint(
    media: MediaReader | FrameReader, detector: FaceDetector, engine: Engine
) -> tuple[ResumePoint, list[tuple[str, str, list[int]]]]:
    """The checkpoint at two seconds, and names, types and shapes of what the analysis adds to it."""
    live = LiveAnalysis(engine, SessionConfig())
    with media:
        for step in perceive(media, detector, checkpoint_every=2 * STEP_RATE):
            if step.checkpoint is not None:
                arrays = unpack(live.snapshot())
                return step.checkpoint, [(name, part.dtype.str, list(part.shape)) for name, part in arrays.items()]
            live.push([step])
    raise AssertionError("no checkpoint")


@pytest.mark.parametrize("read", [container, frames])
def test_a_checkpoint_of_another_form_has_another_number(
    read: Callable[[bytes], MediaReader | FrameReader], data: bytes, detector: FaceDetector, engine: Engine
) -> None:
    known = json.loads(LISTING.read_text())
    point, arrays = checkpoint(read(data), detector, engine)
    assert known["form"] == CHECKPOINT_FORM, AGAIN
    assert form(json.loads(point.state)) == known[read.__name__], AGAIN
    assert json.loads(json.dumps(arrays)) == known["analysis"], AGAIN


@pytest.mark.parametrize(
    ("value", "other"),
    [({"a": 1}, {"b": 1}), ({"a": 1}, {"a": "1"}), ([1, 2], [1, "2"]), ([[1, 2]], [1, 2]), ({"a": None}, {"a": 1})],
)
def test_what_is_read_otherwise_has_another_form(value: Any, other: Any) -> None:
    assert form(value) != form(other)
    assert form(value) == form(json.loads(json.dumps(value)))
