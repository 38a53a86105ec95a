"""A camera and a microphone as the messages of `frames` input."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import NamedTuple, Self

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.video.frame import VideoFrame
from PIL import Image

from service.cli.watch import CAMERA
from service.errors import AttuneError
from service.perception.chatter import without_chatter
from service.protocol.frames import FrameMessage, Kind
from service.representation import SAMPLE_RATE

_QUALITY = 92
"""Of JPEG: what it changes is below the noise of a camera."""

_SLIP = 0.2
"""Seconds by which sound may be off its place before it counts as interrupted."""

_QUEUE = 250
_ALSA = Path("/usr/share/alsa/alsa.conf")


class CameraUnavailable(AttuneError):
    """There is no such camera, it may not be used, or it has stopped."""

    code, status, title = "camera_unavailable", 503, "Camera cannot be used"


class Device(NamedTuple):
    """What FFmpeg opens."""

    name: str
    format: str


def devices_of(source: str) -> tuple[Device, Device]:
    """The camera that the command's SOURCE names, and the microphone."""
    return Device("/dev/video0" if source == CAMERA else source, "v4l2"), Device("default", "alsa")


NO_MICROPHONE = "no microphone can be used: picture only"


class _Item(NamedTuple):
    kind: Kind
    time: int
    rate: int
    payload: bytes
    arrived: float


class Camera:
    """Takes pictures and sound from entering the block to `stop`; iterate over it for the messages, once.

    The clock is that of arrival here, so picture and sound fit as well as their drivers are quick.
    """

    def __init__(self, video: Device, sound: Device) -> None:
        self._devices = video, sound
        self._queue: Queue[_Item | AttuneError | None] = Queue(_QUEUE)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._zero = 0.0
        self.is_silent = False
        """Whether there turned out to be no microphone that can be used."""

    def __enter__(self) -> Self:
        """Raises `CameraUnavailable`."""
        if _ALSA.exists():
            os.environ.setdefault("ALSA_CONFIG_PATH", str(_ALSA))  # PyAV's own copy of ALSA looks elsewhere
        try:
            video = _open(self._devices[0])
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CameraUnavailable(f"{self._devices[0].name} cannot be opened: {reason}.") from error
        self._zero = time.monotonic()
        self._start(video, self._see)
        try:
            sound = _open(self._devices[1])
        except (OSError, ValueError):
            self.is_silent = True
        else:
            self._start(sound, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for thread in self._threads:
            while thread.is_alive():
                while not self._queue.empty():
                    self._queue.get_nowait()
                thread.join(0.05)
            self._queue.put(None)  # for who still waits for a message

    def stop(self) -> None:
        """Take no more; the iteration ends after what has been taken."""
        self._stopping.set()

    def __iter__(self) -> Iterator[tuple[FrameMessage, float]]:
        """The messages in order of arrival, and when each was taken on the monotonic clock. Raises `CameraUnavailable`
        where the camera stops by itself in error."""
        sequence = 0
        running = len(self._threads)
        while running:
            item = self._queue.get()
            if isinstance(item, AttuneError):
                raise item
            if item is None:
                running -= 1
                continue
            yield FrameMessage(item.kind, sequence, item.time, item.rate, item.payload), item.arrived
            sequence += 1

    def _start(self, container: InputContainer, work: Callable[[InputContainer], None]) -> None:
        def run() -> None:
            failure: AttuneError | None = None
            try:
                with container:
                    work(container)
            except (OSError, ValueError) as error:
                failure = CameraUnavailable(f"{container.name} stopped: {error}.")
            self._stopping.set()  # without the one the other is not what was asked for
            self._queue.put(failure)

        thread = threading.Thread(target=run, daemon=True)  # a driver may not come back
        self._threads.append(thread)
        thread.start()

    def _see(self, container: InputContainer) -> None:
        for frame in container.decode(video=0):
            if self._stopping.is_set():
                return
            now = time.monotonic()
            self._queue.put(_Item("picture", self._since(now), 0, _jpeg(frame), now))

    def _hear(self, container: InputContainer) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        track = SoundClock()
        for frame in container.decode(audio=0):
            if self._stopping.is_set():
                return
            samples = b"".join(_samples(part) for part in resampler.resample(frame))
            if samples:
                now = time.monotonic()
                start = track.place(len(samples) // 2, self._since(now))
                self._queue.put(_Item("sound", start, SAMPLE_RATE, samples, now))

    def _since(self, now: float) -> int:
        return round((now - self._zero) * 1e9)


class SoundClock:
    """Where runs of samples lie in time: one behind the other, unless some were lost or the sound's own clock has
    drifted away from that of the pictures. Runs never go back behind the one before, which nobody would take."""

    def __init__(self) -> None:
        self._start = 0
        self._next: int | None = None

    def place(self, samples: int, now: int) -> int:
        """Nanoseconds of the first of so many samples, the last of which has come at `now`."""
        length = samples * 1_000_000_000 // SAMPLE_RATE
        start = max(now - length, 0)
        if self._next is not None and abs(start - self._next) < _SLIP * 1e9:
            start = self._next
        self._start = start = max(start, self._start)
        self._next = start + length
        return start


def _open(device: Device) -> InputContainer:
    with without_chatter():
        return av.open(device.name, format=device.format)


def _jpeg(frame: VideoFrame) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame.to_ndarray(format="rgb24")).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _samples(frame: AudioFrame) -> bytes:
    return frame.to_ndarray().astype("<i2", copy=False).tobytes()
