"""The analysis inside this process: one engine and one face detector for all inputs."""

from collections.abc import Callable
from itertools import islice
from types import TracebackType
from typing import Self

import numpy as np

from service.analysis import LiveAnalysis, Recording
from service.assets import face_detector_path
from service.cli.sources import SourceFile
from service.domain import FaceChoice
from service.engine import Engine, ProviderChoice
from service.media import MediaReader, decode
from service.perception.chatter import without_chatter
from service.perception.detector import FaceDetector
from service.perception.perceive import MediaStream, Perception, perceive
from service.protocol.messages import SessionConfig
from service.representation import STEP_RATE
from service.settings import Settings
from service.timeline.models import AnalysisResult

_STEPS = STEP_RATE
"""Steps measured in one call: a second of media uses the network well and still shows progress."""

Progress = Callable[[float, int], None]
"""Called with the seconds of media done and the people met so far."""


class Pipeline:
    """Analyses one input after the other; a context manager. Raises AttuneError where model or detector are unfit."""

    def __init__(self, settings: Settings, provider: ProviderChoice) -> None:
        self.limits = settings.media_limits()
        self._spool_dir = settings.spool_dir
        self._engine = Engine.load(settings.weights_dir, provider)
        self._detector: FaceDetector | None = open_detector()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_detector()

    def decode(self, source: SourceFile) -> MediaReader:
        """A reader of one recording under the limits of the settings."""
        return decode(source, self.limits, spool_dir=self._spool_dir, size=source.size)

    def perceive(self, media: MediaStream, faces: FaceChoice) -> Perception:
        """The steps of `media`, looked at by this pipeline's detector."""
        if self._detector is None:
            self._detector = open_detector()
        return perceive(media, self._detector, faces=faces)

    def live(self, config: SessionConfig) -> LiveAnalysis:
        """A live analysis on this pipeline's engine."""
        return LiveAnalysis(self._engine, config)

    def analyse(
        self,
        source: SourceFile,
        *,
        faces: FaceChoice,
        horizon: float,
        timeline_fps: float | None,
        progress: Progress,
    ) -> AnalysisResult:
        """Analyse one recording. Raises an AttuneError for what cannot be analysed; the next input is unaffected."""
        recording = Recording(self._engine, horizon=horizon, timeline_fps=timeline_fps)
        try:
            with self.decode(source) as media:
                steps = self.perceive(media, faces)
                while batch := list(islice(steps, _STEPS)):
                    recording.push(batch)
                    progress(recording.seconds, recording.people)
                return recording.finish(media.info)
        except (RuntimeError, ValueError):
            # A graph of mediapipe that has failed once is of no more use.
            self._close_detector()
            raise

    def _close_detector(self) -> None:
        if self._detector is not None:
            self._detector.close()
            self._detector = None


def open_detector() -> FaceDetector:
    """A face detector that has looked at one picture, so that its libraries have said what they say at the start."""
    detector = FaceDetector(face_detector_path())
    with without_chatter():
        detector.detect(np.zeros((128, 128, 3), np.uint8))
    return detector
