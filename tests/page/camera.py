"""A camera and a microphone for Chromium, made of a real clip."""

import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 25
SOUND_RATE = 48_000

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def write_camera(clip: Path, folder: Path, change: Change | None = None) -> list[str]:
    """Options of a Chromium whose camera and microphone play `clip` again and again, each picture changed."""
    picture, sound = folder / "camera.y4m", folder / "microphone.wav"
    _write_pictures(clip, picture, change)
    _write_sound(clip, sound)
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={picture}",
        f"--use-file-for-fake-audio-capture={sound}",
        "--autoplay-policy=no-user-gesture-required",
    ]


def _write_pictures(clip: Path, path: Path, change: Change | None) -> None:
    with av.open(str(clip)) as source, av.open(str(path), "w", format="yuv4mpegpipe") as target:
        stream = target.add_stream("rawvideo", rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        for index, frame in enumerate(source.decode(video=0)):
            picture = frame.to_ndarray(format="rgb24")
            if change:
                picture = np.ascontiguousarray(change(picture.astype(np.uint8)))
            if not index:
                stream.height, stream.width = picture.shape[:2]
            made = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            made.pts = index
            target.mux(stream.encode(made))
        target.mux(stream.encode(None))


def _write_sound(clip: Path, path: Path) -> None:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SOUND_RATE)
    with av.open(str(clip)) as source, wave.open(str(path), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(SOUND_RATE)
        for frame in source.decode(audio=0):
            for part in resampler.resample(frame):
                target.writeframes(part.to_ndarray().tobytes())
