"""The analysis of a live session: its messages while it goes on, its state whenever asked for, its summary."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Self

from service.analysis.analyser import Analyser
from service.analysis.baseline import Baseline
from service.analysis.session import SessionEvent, SessionTimeline
from service.analysis.snapshot import pack, prefixed, under, unpack
from service.domain import FrameCounts, MediaInfo, Step
from service.engine import Engine
from service.protocol.messages import SessionConfig, SessionSummary, UtteranceEnd
from service.timeline.models import ModelInfo


class LiveAnalysis:
    """An analyser and the timeline of a session. Its memory does not grow with the session, but for some 200 bytes for
    each person met."""

    def __init__(self, engine: Engine, config: SessionConfig, *, baseline: Baseline | None = None) -> None:
        """Of `config` it reads `interval`, `attention`, `alignment`, `horizon`, and whether a baseline is to be learnt;
        `baseline` is one that was learnt before, for person 1."""
        self._engine = engine
        self._analyser = Analyser(
            engine, horizon=config.horizon, baseline="learn" if config.baseline == "learn" else baseline
        )
        self._timeline = SessionTimeline(config, uncertain_below=engine.fusion.uncertain_below)

    @classmethod
    def restore(
        cls, engine: Engine, snapshot: bytes, config: SessionConfig, *, baseline: Baseline | None = None
    ) -> Self:
        """One that goes on where `snapshot` was taken, from an analysis with the same options and model.

        Raises ValueError for a snapshot of another version, or of a model of another size.
        """
        live = cls(engine, config, baseline=baseline)
        state = unpack(snapshot)
        live._analyser.restore(under("analyser", state))
        live._timeline.restore(under("timeline", state))
        return live

    def snapshot(self) -> bytes:
        """Everything that `restore` needs, between two calls of `push`: some 20 kB, 6 kB for each further person on
        stage, 200 bytes for everyone else."""
        return pack(prefixed("analyser", self._analyser.state()) | prefixed("timeline", self._timeline.state()))

    @property
    def seconds(self) -> float:
        """Seconds of media measured so far."""
        return self._analyser.seconds

    @property
    def people(self) -> int:
        """People met so far."""
        return self._analyser.people

    def baselines(self) -> dict[int, Baseline]:
        """The baseline learnt of each person whose face was seen; empty where none is learnt."""
        return self._analyser.baselines()

    def push(self, steps: Sequence[Step], *, now: float | None = None) -> list[SessionEvent]:
        """Measure `steps`, which continue those of the last call; their messages in order. `now`, on the clock of
        `Step.arrived`, is when these leave, for their `delay`. Raises `TooManyPeople`, after which it is of no use."""
        return list(self._timeline.push(steps, self._analyser.push(steps), now=now))

    def finish(self, info: MediaInfo) -> list[UtteranceEnd]:
        """What is left to say when the media has ended: the end of an utterance that it cut short."""
        return self._timeline.finish(info)

    def summary(
        self, info: MediaInfo, frames: FrameCounts, baselines: Mapping[int, str] = MappingProxyType({})
    ) -> SessionSummary:
        """The whole session in one; `baselines` are those of `baselines()`, signed."""
        fusion = self._engine.fusion
        model = ModelInfo(name=fusion.name, version=fusion.version, provider=self._engine.provider)
        return self._timeline.summary(model, info, frames, baselines)
