"""Watching in this process, by the same code as `attune analyze`."""

import argparse
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from service.cli.pipeline import Pipeline
from service.cli.sources import open_source
from service.cli.watch import is_camera
from service.cli.watch_camera import NO_MICROPHONE, Camera, devices_of
from service.cli.watch_view import View
from service.domain import Step
from service.media import FrameReader, Live, MediaReader, decode_frames
from service.protocol.messages import FramesDropped, SessionConfig
from service.representation import STEP_RATE
from service.settings import Settings

Pace = Callable[[Iterable[Step]], Iterable[Step]]


def watch_here(arguments: argparse.Namespace, settings: Settings, view: View) -> None:
    """Watch until the source ends or Ctrl-C. Raises AttuneError for what cannot be watched."""
    config = SessionConfig(faces=arguments.faces, horizon=arguments.horizon, alignment=False)
    with Pipeline(settings, arguments.provider or settings.provider) as pipeline:
        if is_camera(arguments.source):
            _watch_camera(pipeline, config, view, Camera(*devices_of(arguments.source)), drop=arguments.late != "wait")
            return
        stopping = threading.Event()
        with (
            open_source(arguments.source) as source,
            pipeline.decode(source) as media,
            _first_interrupt(stopping.set),
        ):
            _measure(pipeline, media, config, view, lambda steps: in_real_time(steps, stopping))


def in_real_time(steps: Iterable[Step], stopping: threading.Event) -> Iterator[Step]:
    """Each step when its time has come, counted from the first, and with that time as its arrival; none once
    `stopping` is set. Late ones follow at once."""
    begin: float | None = None
    for step in steps:
        if begin is None:
            begin = time.monotonic() - step.index / STEP_RATE
        due = begin + step.index / STEP_RATE
        if stopping.wait(max(due - time.monotonic(), 0)):
            return
        yield replace(step, arrived=due)


def _watch_camera(pipeline: Pipeline, config: SessionConfig, view: View, camera: Camera, *, drop: bool) -> None:
    live = Live(config.max_delay if drop else None)
    limits = replace(pipeline.limits, max_duration=math.inf, max_bytes=1 << 62)  # a camera may run for days
    with camera, _first_interrupt(camera.stop):
        if camera.is_silent:
            view.note(NO_MICROPHONE)
        with decode_frames(iter(camera), limits, live=live, report=lambda error: view.note(error.detail)) as media:
            _measure(pipeline, media, config, view, lambda steps: steps)


def _measure(
    pipeline: Pipeline, media: MediaReader | FrameReader, config: SessionConfig, view: View, pace: Pace
) -> None:
    analysis = pipeline.live(config)
    steps = pipeline.perceive(media, config.faces)
    dropped = 0
    for step in pace(steps):
        for event in analysis.push([step], now=time.monotonic()):
            view.show(event)
        if steps.frames.late != dropped:
            dropped = steps.frames.late
            view.show(FramesDropped(dropped={"late": dropped}))
        view.refresh()
    for event in analysis.finish(media.info):
        view.show(event)
    view.show(analysis.summary(media.info, steps.frames))


@contextmanager
def _first_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C within calls `stop`; another one raises KeyboardInterrupt as ever. Only for the main thread."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
