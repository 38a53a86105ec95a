"""The one analyser behind files, uploads and streams: steps of perception in, measurements and a result out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from service.analysis.cast import Cast, Role
from service.domain import Alignment, Measurement, MediaInfo, Step
from service.engine import Engine, FusionInputs, FusionOutputs
from service.representation import DEFAULT_HORIZON, MIN_HORIZON, STEP_RATE, WINDOW
from service.timeline import AnalysisResult, Recorder

_LONGEST_SCENE = STEP_RATE


@dataclass(frozen=True, slots=True)
class _Scene:
    """A run of steps with the same people on stage."""

    steps: list[Step]
    roles: list[Sequence[Role]]
    """For each step, the same people in the same order."""
    evident: bool
    """False while nobody was ever seen or heard: such steps only fill the memory of the sound."""


class Analyser:
    """Follows every person of one recording or stream forward in time.

    What it answers does not depend on how the steps are grouped into calls of `push` (within fp32 rounding), and
    between calls it holds one state of some 20 kB for each person, beside the timeline of the result.
    """

    def __init__(
        self, engine: Engine, *, horizon: float | None = DEFAULT_HORIZON, timeline_fps: float | None = None
    ) -> None:
        """`horizon`: seconds over which the timeline forgets, None to forget nothing; `timeline_fps`: timeline
        steps per second in the result, None for all 25. Raises ValueError for a horizon below
        `MIN_HORIZON`."""
        if horizon is not None and horizon < MIN_HORIZON:
            raise ValueError(f"a horizon of {horizon} s is below {MIN_HORIZON} s")
        self._engine = engine
        self._decay = -1.0 / (STEP_RATE * horizon) if horizon is not None else 0.0
        self._cast = Cast()
        self._states: dict[int, NDArray[np.float32]] = {}
        self._measured: dict[int, int] = {}
        """The last step measured of each person."""
        self._sound = engine.initial_state()[: engine.fusion.sound_state_size]
        self._heard = np.zeros(WINDOW - 1, np.float32)
        """Whether each of the last steps held speech, for the alignment."""
        self._evident = False
        self._recorder = Recorder(timeline_fps=timeline_fps, uncertain_below=engine.fusion.uncertain_below)
        self._steps_done = 0

    @property
    def seconds(self) -> float:
        """Seconds of media measured so far."""
        return self._steps_done / STEP_RATE

    @property
    def people(self) -> int:
        """People met so far."""
        return self._recorder.people

    def push(self, steps: Sequence[Step]) -> list[Measurement]:
        """Measure `steps`, which continue those of the last call; in order of step, then person."""
        measurements = [m for scene in self._scenes(steps) for part in self._parts(scene) for m in self._play(part)]
        for step in steps:
            self._recorder.hear(step.index, speech=step.speech)
            self._steps_done = step.index + 1
        self._recorder.add(measurements)
        return measurements

    def finish(self, info: MediaInfo) -> AnalysisResult:
        """The result over everything pushed."""
        return self._recorder.result(
            info, name=self._engine.fusion.name, version=self._engine.fusion.version, provider=self._engine.provider
        )

    def _scenes(self, steps: Sequence[Step]) -> Iterator[_Scene]:
        staged = []
        for place, step in enumerate(steps):
            roles = self._cast.at(step)
            self._evident = self._evident or step.speech or bool(step.faces)
            people = [role.person for role in roles]
            # Step numbers jump where there was no media for long.
            staged.append((step, roles, (self._evident, people, step.index - place)))
        for (evident, _, _), run in groupby(staged, key=itemgetter(2)):
            while scene := list(islice(run, _LONGEST_SCENE)):
                yield _Scene([step for step, _, _ in scene], [roles for _, roles, _ in scene], evident)

    def _parts(self, scene: _Scene) -> list[_Scene]:
        """The scene, its first step by itself where somebody was away before it and forgets by all that time."""
        if all(self._elapsed(role.person, scene) == 1 for role in scene.roles[0]) or len(scene.steps) == 1:
            return [scene]
        return [
            _Scene(scene.steps[part], scene.roles[part], scene.evident) for part in (slice(None, 1), slice(1, None))
        ]

    def _elapsed(self, person: int, scene: _Scene) -> int:
        """Steps from the last measurement of `person` to the beginning of `scene`; 1 for someone new."""
        start = scene.steps[0].index
        return start - self._measured.get(person, start - 1)

    def _play(self, scene: _Scene) -> list[Measurement]:
        people = [role.person for role in scene.roles[0]]
        inputs = self._inputs(scene, people)
        outputs = self._engine.advance(inputs)
        self._sound = outputs.next_state[0, : self._engine.fusion.sound_state_size]
        self._heard = inputs.heard[0, 1 - WINDOW :]
        if not scene.evident:
            return []
        self._states.update(zip(people, outputs.next_state, strict=True))
        self._measured.update(dict.fromkeys(people, scene.steps[-1].index))
        return [
            _measurement(role, step, outputs, (row, column))
            for column, (step, roles) in enumerate(zip(scene.steps, scene.roles, strict=True))
            for row, role in enumerate(roles)
        ]

    def _inputs(self, scene: _Scene, people: list[int]) -> FusionInputs:
        inputs = self._engine.silence(people=len(people), steps=len(scene.steps))
        inputs.heard[:, : WINDOW - 1] = self._heard
        for column, step in enumerate(scene.steps):
            if step.mel is not None:
                inputs.mel[:, column] = step.mel
                inputs.sound_present[:, column] = 1
                inputs.heard[:, WINDOW - 1 + column] = step.speech
        seen = [
            (row, column, role.face)
            for column, roles in enumerate(scene.roles)
            for row, role in enumerate(roles)
            if role.face is not None
        ]
        if seen:
            embedding = self._engine.encode(np.stack([face.crop for _, _, face in seen])).embedding
            rows, columns = [row for row, _, _ in seen], [column for _, column, _ in seen]
            inputs.face[rows, columns] = embedding
            inputs.face_present[rows, columns] = 1
        for row, person in enumerate(people):
            inputs.decay[row] = self._decay * self._elapsed(person, scene)
            if person in self._states:
                inputs.state[row] = self._states[person]
            # The sound is one for all: whoever enters or returns has heard what the others heard.
            inputs.state[row, : len(self._sound)] = self._sound
        return inputs


def _measurement(role: Role, step: Step, outputs: FusionOutputs, at: tuple[int, int]) -> Measurement:
    weights = outputs.alignment[at]
    newest = int(weights.argmax())
    audio = bool(weights[newest] > 0)
    return Measurement(
        person=role.person,
        step=step.index,
        box=role.face.box if role.face is not None else None,
        probabilities=outputs.probabilities[at],
        overall=outputs.overall[at],
        scores=outputs.scores[at],
        alignment=Alignment((WINDOW - 1 - newest) / STEP_RATE, float(weights[newest])) if audio else None,
        speech=step.speech,
        audio=audio,
        video=role.face is not None,
    )
