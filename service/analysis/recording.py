"""The analysis of a recording: measured step by step, told as a whole."""

from collections.abc import Sequence

from service.analysis.analyser import Analyser
from service.domain import Measurement, MediaInfo, Step
from service.engine import Engine
from service.representation import DEFAULT_HORIZON
from service.timeline import AnalysisResult, Recorder


class Recording:
    """An analyser and the timeline of what it measured, which grows by some 100 bytes for each step of each person."""

    def __init__(
        self, engine: Engine, *, horizon: float | None = DEFAULT_HORIZON, timeline_fps: float | None = None
    ) -> None:
        """`horizon`: seconds over which the timeline forgets, None to forget nothing; `timeline_fps`: timeline steps
        per second in the result, None for all 25. Raises ValueError for a horizon below `MIN_HORIZON`."""
        self._engine = engine
        self._analyser = Analyser(engine, horizon=horizon)
        self._recorder = Recorder(timeline_fps=timeline_fps, uncertain_below=engine.fusion.uncertain_below)

    @property
    def seconds(self) -> float:
        """Seconds of media measured so far."""
        return self._analyser.seconds

    @property
    def people(self) -> int:
        """People met so far."""
        return self._analyser.people

    def push(self, steps: Sequence[Step]) -> list[Measurement]:
        """Measure `steps`, which continue those of the last call; in order of step, then person."""
        measurements = self._analyser.push(steps)
        for step in steps:
            self._recorder.hear(step.index, speech=step.speech)
        self._recorder.add(measurements)
        return measurements

    def finish(self, info: MediaInfo) -> AnalysisResult:
        """The result over everything pushed."""
        return self._recorder.result(
            info, name=self._engine.fusion.name, version=self._engine.fusion.version, provider=self._engine.provider
        )
