"""Keeps what an analysis measured, compactly, and makes the result of it."""

from collections.abc import Iterable

from service.domain import Measurement, MediaInfo, Provider
from service.representation import STEP_RATE
from service.timeline.models import AnalysisResult, MediaReport, ModelInfo, Segment, SpeechReport
from service.timeline.person import PersonRecord


class Recorder:
    """Grows by some 100 bytes for each step of each person."""

    def __init__(self, *, timeline_fps: float | None, uncertain_below: float) -> None:
        self._timeline_fps = timeline_fps
        self._uncertain_below = uncertain_below
        self._people: dict[int, PersonRecord] = {}
        self._segments: list[tuple[int, int]] = []
        """Speech as pairs of steps: the first with speech, the first without."""

    @property
    def people(self) -> int:
        """People met so far."""
        return len(self._people)

    def hear(self, step: int, *, speech: bool) -> None:
        """Note whether the 40 ms before `step` hold speech; call with steps in order."""
        if not speech:
            return
        if self._segments and self._segments[-1][1] == step:
            self._segments[-1] = (self._segments[-1][0], step + 1)
        else:
            self._segments.append((step, step + 1))

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Append measurements; those of one person in order of step."""
        for measurement in measurements:
            if measurement.person not in self._people:
                self._people[measurement.person] = PersonRecord(measurement.person)
            self._people[measurement.person].add(measurement)

    def result(self, info: MediaInfo, *, name: str, version: str, provider: Provider) -> AnalysisResult:
        """Everything known of the recording that `info` describes."""
        people = sorted(self._people.values(), key=lambda record: record.id)
        return AnalysisResult(
            model=ModelInfo(name=name, version=version, provider=provider),
            media=MediaReport(
                duration=round(info.duration, 6),
                frames=info.frames,
                width=info.width,
                height=info.height,
                has_audio=info.has_audio,
                has_video=info.has_video,
            ),
            speech=SpeechReport(segments=[_segment(*steps, info.duration) for steps in self._segments]),
            people=[
                record.result(timeline_fps=self._timeline_fps, uncertain_below=self._uncertain_below)
                for record in people
            ],
        )


def _segment(first: int, end: int, duration: float) -> Segment:
    # Step k hears the 40 ms that end at its time.
    start = max(first - 1, 0) / STEP_RATE
    return Segment(start=start, end=max(start, min((end - 1) / STEP_RATE, duration)))
