"""PyAV, mediapipe, OpenCV and kaldi-native-fbank by themselves, for the floor and the stand-ins of rivals."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import av
import cv2
import mediapipe as mp
import numpy as np
from av.audio.resampler import AudioResampler
from av.video.reformatter import VideoReformatter
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from benchmarks.work import Crop, Look
from service.assets import face_detector_path
from service.perception.chatter import without_chatter
from service.perception.logmel import LogMel
from service.representation import CROP_SIZE, SAMPLE_RATE

Pixels = NDArray[np.uint8]


class Clock(Protocol):
    """Times parts of the work."""

    def part(self, name: str) -> AbstractContextManager[None]:
        """Counts what is done within as `name`."""


def pictures(media: bytes, clock: Clock, *, sound: bool) -> Iterator[Pixels]:
    """The pictures of a container, RGB [h, w, 3], in order; its sound, where asked for, becomes log-mel frames."""
    scaler, resampler = VideoReformatter(), AudioResampler("flt", "mono", SAMPLE_RATE)
    bank, rows = LogMel()._bank, 0  # the product's options
    with av.open(io.BytesIO(media), "r") as source:
        streams = [source.streams.video[0], *(source.streams.audio[:1] if sound else [])]
        for stream in streams:
            stream.codec_context.thread_count = 1
        frames = source.decode(*streams)
        while True:
            with clock.part("decode"):
                frame = next(frames, None)
                if isinstance(frame, av.VideoFrame):
                    picture = scaler.reformat(frame, format="rgb24", threads=1).to_ndarray()
                elif isinstance(frame, av.AudioFrame):
                    samples = [run.to_ndarray()[0] for run in resampler.resample(frame)]
            if frame is None:
                return
            if isinstance(frame, av.VideoFrame):
                yield np.asarray(picture, np.uint8)
                continue
            with clock.part("sound"):
                for run in samples:
                    bank.accept_waveform(SAMPLE_RATE, run.tolist())
                ready = bank.num_frames_ready
                for row in range(rows, ready):
                    np.array(bank.get_frame(row), np.float32)
                bank.pop(ready - rows)
                rows = ready


def face_detector() -> Any:
    """mediapipe's graph in image mode, warmed up; to be closed."""
    options = vision.FaceDetectorOptions(
        base_options=BaseOptions(model_asset_path=str(face_detector_path())), running_mode=vision.RunningMode.IMAGE
    )
    with without_chatter():
        detector = vision.FaceDetector.create_from_options(options)
        detector.detect(image_of(np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)))
    return detector


def image_of(pixels: Pixels) -> Any:
    """As mediapipe wants it."""
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)


def square(image: Pixels, look: Look) -> Pixels:
    """The square that the detector is to look at, black beyond the picture."""
    height, width = image.shape[:2]
    left, top, right, bottom = look.left, look.top, look.left + look.side, look.top + look.side
    cut = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if cut.shape[:2] != (look.side, look.side):
        edges = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
        cut = np.asarray(cv2.copyMakeBorder(cut, *edges, cv2.BORDER_CONSTANT), np.uint8)
    if look.side == look.input_side:
        return np.ascontiguousarray(cut)
    return np.asarray(cv2.resize(cut, (look.input_side, look.input_side), interpolation=cv2.INTER_LINEAR), np.uint8)


def aligned(image: Pixels, crop: Crop) -> Pixels:
    """An aligned grey crop."""
    patch = image[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    shrunk = (crop.shrunk_width, crop.shrunk_height)
    if shrunk != (crop.width, crop.height):
        grey = cv2.resize(grey, shrunk, interpolation=cv2.INTER_AREA)
    upright = cv2.warpAffine(
        grey,
        np.array(crop.matrix),
        (CROP_SIZE, CROP_SIZE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(upright, np.uint8)
