"""PyAV, mediapipe, OpenCV and kaldi-native-fbank by themselves, for the floor and the stand-ins of rivals."""

import io
from collections.abc import Iterator
from typing import Any

import av
import cv2
import mediapipe as mp
import numpy as np
from av.audio.resampler import AudioResampler
from av.video.reformatter import VideoReformatter
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from benchmarks.spent import Spent
from benchmarks.work import Crop, Look, Patch
from service.assets import face_detector_path
from service.perception.chatter import without_chatter
from service.perception.logmel import LogMel
from service.representation import CROP_SIZE, SAMPLE_RATE

Pixels = NDArray[np.uint8]


def pictures(media: bytes, spent: Spent, *, sound: bool) -> Iterator[Pixels]:
    """The pictures of a container, RGB [h, w, 3], in order; its sound, where asked for, becomes log-mel frames."""
    scaler, resampler = VideoReformatter(), AudioResampler("flt", "mono", SAMPLE_RATE)
    bank, rows = LogMel()._bank, 0  # the product's options
    with av.open(io.BytesIO(media), "r") as source:
        streams = [source.streams.video[0], *(source.streams.audio[:1] if sound else [])]
        for stream in streams:
            stream.codec_context.thread_count = 1
        frames = source.decode(*streams)
        while True:
            with spent.part("decode"):
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
            with spent.part("sound"):
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
    """The square that the detector is to look at, black beyond the picture; scaled as cheaply as OpenCV can."""
    left, top = max(0, look.left), max(0, look.top)
    inner = image[top : max(top, look.top + look.side), left : max(left, look.left + look.side)]
    scale = look.input_side / look.side
    if inner.shape[:2] == (look.side, look.side) and scale == 1:
        return np.ascontiguousarray(inner)
    cut = np.zeros((look.input_side, look.input_side, 3), np.uint8)
    x, y = round((left - look.left) * scale), round((top - look.top) * scale)
    place = cut[y : y + round(inner.shape[0] * scale), x : x + round(inner.shape[1] * scale)]
    while scale < 0.5 and min(inner.shape[:2]) > 1:  # halves are quick to average
        rows, columns, scale = inner.shape[0] // 2, inner.shape[1] // 2, 2 * scale
        inner = np.asarray(cv2.resize(inner[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA))
    if place.size and inner.size:
        place[:] = cv2.resize(inner, place.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cut


def grey_patch(image: Pixels, patch: Patch) -> Pixels:
    """The square around a face that is followed."""
    return np.asarray(cv2.cvtColor(square(image, Look(*patch)), cv2.COLOR_RGB2GRAY), np.uint8)


def motion(before: Pixels, after: Pixels, places: NDArray[np.float32]) -> None:
    """Where the optical flow takes the places [n, 2], and what turn, scale and shift that is."""
    taken, *_ = cv2.calcOpticalFlowPyrLK(before, after, places, np.empty_like(places), winSize=(9, 9), maxLevel=2)
    cv2.estimateAffinePartial2D(places, taken, method=cv2.LMEDS)


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
