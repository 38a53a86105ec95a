"""The bare libraries at the work of one picture, on one core, with no service around them."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import av
import mediapipe as mp
import numpy as np
from av.video.reformatter import VideoReformatter
from mediapipe.tasks.python import BaseOptions, vision

from benchmarks.webm import RATE, LoopedRecording
from service.assets import face_detector_path
from service.engine import Engine
from service.representation import CROP_SIZE, WINDOW

_SECONDS = 8.0
_SIDE = 256
_TIMES = 60


@dataclass(frozen=True, slots=True)
class Floor:
    """Seconds of one core that one picture needs."""

    decode: float
    """Demultiplex, decode, convert to RGB; with the sound of one picture."""
    detect: float
    """One face detection on a square of 256 pixels."""
    encode: float
    """One crop through the face encoder."""
    step: float
    """One step of one person."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.decode + self.detect + self.encode + self.step

    @property
    def sessions_per_core(self) -> float:
        """Streams of 25 pictures per second that one core would hold if there were nothing else to do."""
        return 1 / (RATE * self.total)

    def milliseconds(self) -> dict[str, float]:
        """For a report."""
        parts = {"decode": self.decode, "detect": self.detect, "encode": self.encode, "step": self.step}
        return {name: round(1000 * value, 3) for name, value in {**parts, "sum": self.total}.items()}


def measure_floor(recording: LoopedRecording) -> Floor:
    """Time each part by itself; medians."""
    data = b"".join(piece.data for piece in recording.pieces(_SECONDS, 1.0))
    pictures: list[Any] = []
    decoding = _decode(data, pictures)
    picture = pictures[len(pictures) // 2]
    square = np.ascontiguousarray(picture[:_SIDE, :_SIDE])
    options = vision.FaceDetectorOptions(
        base_options=BaseOptions(model_asset_path=str(face_detector_path())), running_mode=vision.RunningMode.IMAGE
    )
    with vision.FaceDetector.create_from_options(options) as detector:
        detecting = _median(lambda: detector.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=square)))
    engine = Engine.load(provider="cpu")
    crop = np.ascontiguousarray(picture[:CROP_SIZE, :CROP_SIZE, 0])[None]
    silence = engine.silence(people=1, steps=1)
    silence.heard[:, :WINDOW] = 1
    return Floor(
        decode=decoding / len(pictures),
        detect=detecting,
        encode=_median(lambda: engine.encode(crop)),
        step=_median(lambda: engine.advance(silence)),
    )


def _decode(data: bytes, pictures: list[Any]) -> float:
    began = time.perf_counter()
    scaler = VideoReformatter()
    with av.open(io.BytesIO(data), "r") as source:
        for stream in source.streams:
            stream.codec_context.thread_count = 1
        for frame in source.decode(source.streams.video[0], source.streams.audio[0]):
            if isinstance(frame, av.VideoFrame):
                pictures.append(scaler.reformat(frame, format="rgb24", threads=1).to_ndarray())
    return time.perf_counter() - began


def _median(call: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return median(times)
