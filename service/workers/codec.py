"""What a decoding process tells the service: a small binary format, little-endian, with a bound on every length.

The process has read untrusted bytes, so nothing it says is trusted: no pickle, sizes are checked before anything is
allocated, and numbers before they are used. A frame is the payload's length (uint32), the kind (uint8), the payload:

| kind | payload |
| --- | --- |
| 1 step | index uint32, flags uint8 (1 sound present, 2 speech, only with sound), number of faces uint8, arrival float64; with sound: log-mel float32 [4, 64]; per face: track uint32, box (x, y, width, height) float64, motion float64, crop uint8 [48, 48] |
| 2 info | duration float64, frames uint32, width uint32, height uint32, flags uint8 (1 video, 2 audio) |
| 3 failure | UTF-8 JSON object with the strings `code` and `detail` and the integer or null `sequence` |
| 4 end | nothing; the media was read whole |
| 5 checkpoint | belongs to the step that follows: step uint32, replay_from uint64, init_bytes uint64, state |
| 6 counts | of pictures, uint32: received, measured, off_grid, late, invalid, absent |
| 7 notice | as a failure; the session goes on |
| 8 report | seconds float64: queue, decode, perception; steps uint8: with video, with a face, with sound, with speech |
"""  # noqa: E501

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np

from service.domain import Box, Face, FrameCounts, MediaInfo, ResumePoint, Step
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP, STEP_RATE

MAX_FACES: Final = 255
MAX_DETAIL: Final = 1000
"""Characters of a failure's detail."""
MAX_STATE: Final = 1 << 20
"""Bytes of a checkpoint's state."""
MAX_SECONDS: Final = 86_400.0
"""Longest time in a report."""

_HEADER = struct.Struct("<IB")
_STEP = struct.Struct("<IBBd")
_FACE = struct.Struct("<I5d")
_INFO = struct.Struct("<dIIIB")
_CHECKPOINT = struct.Struct("<IQQ")
_COUNTS = struct.Struct("<6I")
_REPORT = struct.Struct("<3d4B")
_STEP_KIND, _INFO_KIND, _FAILURE_KIND, _END_KIND, _CHECKPOINT_KIND, _COUNTS_KIND, _NOTICE_KIND, _REPORT_KIND = range(
    1, 9
)
_MEL_BYTES = 4 * MELS_PER_STEP * MEL_BINS
_CROP_BYTES = CROP_SIZE * CROP_SIZE
_LONGEST: Final = {
    _STEP_KIND: _STEP.size + _MEL_BYTES + MAX_FACES * (_FACE.size + _CROP_BYTES),
    _INFO_KIND: _INFO.size,
    _FAILURE_KIND: 8192,
    _END_KIND: 0,
    _CHECKPOINT_KIND: _CHECKPOINT.size + MAX_STATE,
    _COUNTS_KIND: _COUNTS.size,
    _NOTICE_KIND: 8192,
    _REPORT_KIND: _REPORT.size,
}
_SOUND, _SPEECH = 1, 2
_VIDEO, _AUDIO = 1, 2


class CodecError(Exception):
    """The bytes are not what a decoding process may send."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a session ended early: an `AttuneError`."""

    code: str
    detail: str
    sequence: int | None = None
    """The message that it is about."""


@dataclass(frozen=True, slots=True)
class End:
    """The media was read whole and every step was sent."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A fault of one message that was passed over: a recoverable `AttuneError`."""

    code: str
    detail: str
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a process has measured about at most `STEP_RATE` steps: times in seconds, and steps."""

    queue: float
    """Longest wait of media from its arrival until it was read; 0 where arrivals are not noted."""
    decode: float
    perception: float
    video_steps: int
    """Steps of media with pictures."""
    face_steps: int
    sound_steps: int
    speech_steps: int


Message = Step | MediaInfo | FrameCounts | Notice | Report | Failure | End


def encode(message: Message) -> bytes:
    """The frame of one message.

    Raises ValueError for a step of wrong shapes, with speech but no sound, with more than `MAX_FACES` faces, or with a
    checkpoint that is not its own or too large.
    """
    if isinstance(message, Step):
        step = _frame(_STEP_KIND, _encode_step(message))
        if message.checkpoint is None:
            return step
        return _frame(_CHECKPOINT_KIND, _encode_checkpoint(message.index, message.checkpoint)) + step
    if isinstance(message, MediaInfo):
        flags = _VIDEO * message.has_video | _AUDIO * message.has_audio
        return _frame(_INFO_KIND, _INFO.pack(message.duration, message.frames, message.width, message.height, flags))
    if isinstance(message, FrameCounts):
        return _frame(_COUNTS_KIND, _COUNTS.pack(*astuple(message)))
    if isinstance(message, Report):
        return _frame(_REPORT_KIND, _REPORT.pack(*astuple(message)))
    if isinstance(message, Notice | Failure):
        kind = _NOTICE_KIND if isinstance(message, Notice) else _FAILURE_KIND
        text = {"code": message.code, "detail": message.detail[:MAX_DETAIL], "sequence": message.sequence}
        return _frame(kind, json.dumps(text).encode())
    return _frame(_END_KIND, b"")


def _frame(kind: int, payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), kind) + payload


def _encode_step(step: Step) -> bytes:
    if len(step.faces) > MAX_FACES:
        raise ValueError(f"a step holds {len(step.faces)} faces, {MAX_FACES} at most")
    if step.speech and step.mel is None:
        raise ValueError("speech without sound")
    flags = _SOUND * (step.mel is not None) | _SPEECH * step.speech
    parts = [_STEP.pack(step.index, flags, len(step.faces), step.arrived)]
    if step.mel is not None:
        if step.mel.shape != (MELS_PER_STEP, MEL_BINS):
            raise ValueError(f"log-mel frames of shape {step.mel.shape}")
        parts.append(np.ascontiguousarray(step.mel, dtype="<f4").tobytes())
    for face in step.faces:
        if face.crop.shape != (CROP_SIZE, CROP_SIZE):
            raise ValueError(f"crop of shape {face.crop.shape}")
        box = face.box
        parts += (_FACE.pack(face.track, box.x, box.y, box.width, box.height, face.motion), face.crop.tobytes())
    return b"".join(parts)


def _encode_checkpoint(index: int, checkpoint: ResumePoint) -> bytes:
    if checkpoint.step != index or len(checkpoint.state) > MAX_STATE:
        raise ValueError(f"checkpoint of step {checkpoint.step}, {len(checkpoint.state)} bytes, at step {index}")
    return _CHECKPOINT.pack(checkpoint.step, checkpoint.replay_from, checkpoint.init_bytes) + checkpoint.state


class Decoder:
    """Turns what arrives, cut anywhere, back into messages."""

    def __init__(self, next_step: int = 0) -> None:
        """`next_step`: the least index that the first step may have."""
        self._buffer = bytearray()
        self._next_step = next_step
        self._checkpoint: ResumePoint | None = None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that `data` completes. Raises `CodecError` for anything that `encode` cannot make."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            length, kind = _HEADER.unpack_from(self._buffer)
            if length > _LONGEST.get(kind, -1):
                raise CodecError(f"frame of kind {kind} with {length} bytes")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            try:
                if kind == _CHECKPOINT_KIND:
                    self._keep(_decode_checkpoint(payload))
                else:
                    yield self._decode(kind, payload)
            except (struct.error, ValueError, RecursionError) as error:
                raise CodecError(f"frame of kind {kind}: {error}") from error

    def _decode(self, kind: int, payload: bytes) -> Message:
        if kind == _STEP_KIND:
            return self._decode_step(payload)
        if kind == _INFO_KIND:
            return _decode_info(payload)
        if kind == _COUNTS_KIND:
            return FrameCounts(*_COUNTS.unpack(payload))
        if kind == _REPORT_KIND:
            return _decode_report(payload)
        if kind == _NOTICE_KIND:
            return Notice(*_decode_error(payload))
        if kind == _FAILURE_KIND:
            return Failure(*_decode_error(payload))
        return End()

    def _keep(self, checkpoint: ResumePoint) -> None:
        if self._checkpoint is not None:
            raise CodecError("two checkpoints for one step")
        self._checkpoint = checkpoint

    def _decode_step(self, payload: bytes) -> Step:
        index, flags, count, arrived = _STEP.unpack_from(payload)
        if index < self._next_step:
            raise CodecError(f"step {index} after step {self._next_step - 1}")
        if flags & _SPEECH and not flags & _SOUND:
            raise CodecError("speech without sound")
        if not (math.isfinite(arrived) and arrived >= 0):
            raise CodecError(f"arrival {arrived}")
        offset = _STEP.size
        mel = None
        if flags & _SOUND:
            mel = np.frombuffer(payload, "<f4", MELS_PER_STEP * MEL_BINS, offset).reshape(MELS_PER_STEP, MEL_BINS)
            if not np.isfinite(mel).all():
                raise CodecError("log-mel frame that is not finite")
            offset += _MEL_BYTES
        faces = []
        for _ in range(count):
            track, *numbers = _FACE.unpack_from(payload, offset)
            offset += _FACE.size
            if track < 1 or not all(map(math.isfinite, numbers)):
                raise CodecError("face without a track or a box")
            crop = np.frombuffer(payload, np.uint8, _CROP_BYTES, offset).reshape(CROP_SIZE, CROP_SIZE)
            offset += _CROP_BYTES
            faces.append(Face(track, Box(*numbers[:4]), crop, numbers[4]))
        if offset != len(payload):
            raise CodecError(f"step of {len(payload)} bytes where {offset} were announced")
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is not None and checkpoint.step != index:
            raise CodecError(f"checkpoint of step {checkpoint.step} at step {index}")
        self._next_step = index + 1
        return Step(index, tuple(faces), mel, bool(flags & _SPEECH), arrived, checkpoint)


def _decode_info(payload: bytes) -> MediaInfo:
    duration, frames, width, height, flags = _INFO.unpack(payload)
    if not (math.isfinite(duration) and duration >= 0):
        raise CodecError(f"duration {duration}")
    return MediaInfo(duration, frames, width, height, bool(flags & _VIDEO), bool(flags & _AUDIO))


def _decode_report(payload: bytes) -> Report:
    report = Report(*_REPORT.unpack(payload))
    if not all(0.0 <= seconds <= MAX_SECONDS for seconds in (report.queue, report.decode, report.perception)):
        raise CodecError("report of a time that cannot be")
    if not (
        report.face_steps <= report.video_steps <= STEP_RATE and report.speech_steps <= report.sound_steps <= STEP_RATE
    ):
        raise CodecError("report of more steps than there were")
    return report


def _decode_checkpoint(payload: bytes) -> ResumePoint:
    step, replay_from, init_bytes = _CHECKPOINT.unpack_from(payload)
    return ResumePoint(step, replay_from, init_bytes, payload[_CHECKPOINT.size :])


def _decode_error(payload: bytes) -> tuple[str, str, int | None]:
    """Code, detail and sequence number."""
    text = json.loads(payload)
    if not isinstance(text, dict):
        raise CodecError("error that is not an object")
    code, detail, sequence = text.get("code"), text.get("detail"), text.get("sequence")
    if not (isinstance(code, str) and isinstance(detail, str)):
        raise CodecError("error without code and detail")
    if not (sequence is None or isinstance(sequence, int)):
        raise CodecError("error with a sequence number that is none")
    return code, detail[:MAX_DETAIL], sequence
