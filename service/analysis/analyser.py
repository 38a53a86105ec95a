"""The one analyser behind files, uploads and streams: steps of perception in, measurements out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.analysis.baseline import Baseline, BaselineLearner
from service.analysis.cast import Cast, Role
from service.analysis.snapshot import Arrays, prefixed, under
from service.analysis.speaker import SpeakerFinder
from service.domain import Alignment, Measurement, Step
from service.engine import Engine, FusionInputs, FusionOutputs
from service.representation import DEFAULT_HORIZON, MIN_HORIZON, STEP_RATE, WINDOW

_PAST = WINDOW - 1
"""Steps before the first of a call over which its alignment reaches back."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """One step and who is on stage."""

    step: Step
    elapsed: int
    """Steps since the one before; more than 1 where there was no media for long."""
    roles: Sequence[Role]
    speaker: int | None
    """Whose the speech is; None for everyone's on stage."""
    evident: bool
    """False while nobody was ever seen or heard: such steps only fill the memory of the sound."""

    @property
    def people(self) -> list[int]:
        return [role.person for role in self.roles]

    def hears(self, person: int) -> bool:
        """Whether there is speech that counts for `person`."""
        return self.step.speech and self.speaker in (None, person)

    def speaking(self, person: int) -> bool | None:
        """Whether the speech is taken for that of `person`; None where it is everyone's or there is none."""
        return self.speaker == person if self.step.speech and self.speaker is not None else None


class Analyser:
    """Follows every person of one recording or stream forward in time.

    What it answers does not depend on how the steps are grouped into calls of `push` (within fp32 rounding). Between
    calls it holds some 20 kB for each person on stage, where the engine keeps states; its `state` takes as much for the
    first and some 6 kB for each further one.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        horizon: float | None = DEFAULT_HORIZON,
        baseline: Baseline | Literal["learn"] | None = None,
    ) -> None:
        """`horizon`: seconds over which the timeline forgets, None to forget nothing. `baseline`: one that was learnt
        before, for person 1; or learn everyone's. Raises ValueError for a horizon below `MIN_HORIZON`."""
        if horizon is not None and horizon < MIN_HORIZON:
            raise ValueError(f"a horizon of {horizon} s is below {MIN_HORIZON} s")
        self._engine = engine
        self._decay = -1.0 / (STEP_RATE * horizon) if horizon is not None else 0.0
        self._learner = BaselineLearner() if isinstance(baseline, str) else None
        self._baseline = None if isinstance(baseline, str) else baseline
        self._cast = Cast()
        self._speakers = SpeakerFinder()
        self._states = engine.initial_state(1)
        """Of everyone on stage, in the order of `_heard`. The sound is one for all: whoever enters has heard what the
        first of them heard. Before there is anybody, the sound is all that counts of the one state there is."""
        self._unclaimed = np.zeros(_PAST, np.float32)
        """[24], whether the last steps held speech that counted for everyone: for a newcomer, too."""
        self._heard: dict[int, NDArray[np.float32]] = {}
        """For everyone on stage [24], whether the last steps held speech that counted for them; who has left does not
        return."""
        self._evident = False
        self._steps_done = 0

    @property
    def seconds(self) -> float:
        """Seconds of media measured so far."""
        return self._steps_done / STEP_RATE

    @property
    def people(self) -> int:
        """People met so far."""
        return self._cast.met if self._evident else 0

    def baselines(self) -> dict[int, Baseline]:
        """The baseline learnt of each person whose face was seen; empty where none is learnt."""
        return self._learner.learnt() if self._learner is not None else {}

    def push(self, steps: Sequence[Step]) -> list[Measurement]:
        """Measure `steps`, which continue those of the last call; in order of step, then person."""
        return [measurement for scene in self._scenes(steps) for measurement in self._play(scene)]

    def state(self) -> Arrays:
        """All that is needed to go on, between two calls of `push`."""
        sound, past = np.split(self._states.read(), [self._engine.fusion.sound_state_size], axis=1)
        own: Arrays = {
            "clock": np.array([self._steps_done, self._evident], np.int64),
            "sound": sound[0],
            "unclaimed": self._unclaimed.astype(np.uint8),
            "people": np.array(list(self._heard), np.int32),
            "past": past[: len(self._heard)],
            "heard": np.array(list(self._heard.values()), np.uint8).reshape(-1, _PAST),
        }
        learner = self._learner.state() if self._learner is not None else {}
        return (
            own
            | prefixed("cast", self._cast.state())
            | prefixed("speaker", self._speakers.state())
            | prefixed("baseline", learner)
        )

    def restore(self, state: Arrays) -> None:
        """Go on from `state`, of an analyser with the same options. Raises ValueError for one with another model."""
        sound, past = state["sound"], state["past"]
        sizes = self._engine.fusion.sound_state_size, self._engine.fusion.state_size
        if (*sound.shape, *past.shape[1:]) != (sizes[0], sizes[1] - sizes[0]):
            raise ValueError("the state of a model of another size")
        self._steps_done, evident = state["clock"].tolist()
        self._evident = bool(evident)
        rows = np.zeros((max(1, len(past)), sizes[1]), np.float32)
        rows[:, : sizes[0]] = sound
        rows[: len(past), sizes[0] :] = past
        self._states = self._engine.load_state(rows)
        self._unclaimed = state["unclaimed"].astype(np.float32)
        self._heard = dict(zip(state["people"].tolist(), state["heard"].astype(np.float32), strict=True))
        self._cast.restore(under("cast", state))
        self._speakers.restore(under("speaker", state))
        if self._learner is not None:
            self._learner.restore(under("baseline", state))

    def _scenes(self, steps: Sequence[Step]) -> Iterator[list[_Moment]]:
        """Runs of moments of one second of media, with the same people, equally far apart."""
        moments = [self._stage(step) for step in steps]
        for _, scene in groupby(
            moments, lambda one: (one.step.index // STEP_RATE, one.elapsed, one.people, one.evident)
        ):
            yield list(scene)

    def _stage(self, step: Step) -> _Moment:
        roles = self._cast.at(step)
        speaker = self._speakers.push(step, roles)
        self._evident = self._evident or step.speech or bool(step.faces)
        elapsed = step.index + 1 - self._steps_done
        self._steps_done = step.index + 1
        return _Moment(step, elapsed, roles, speaker, self._evident)

    def _play(self, scene: list[_Moment]) -> list[Measurement]:
        people = scene[0].people
        inputs = self._inputs(scene, people)
        outputs = self._engine.advance(inputs)
        self._states = outputs.next_state
        unclaimed = [one.step.speech and one.speaker is None for one in scene]
        self._unclaimed = np.append(self._unclaimed, unclaimed)[-_PAST:].astype(np.float32)
        if not scene[0].evident:
            return []
        self._heard = dict(zip(people, inputs.heard[:, -_PAST:].copy(), strict=True))
        return [
            _measurement(role, moment, outputs, (row, column))
            for column, moment in enumerate(scene)
            for row, role in enumerate(moment.roles)
        ]

    def _inputs(self, scene: list[_Moment], people: list[int]) -> FusionInputs:
        rows = {person: row for row, person in enumerate(self._heard)}
        state = self._states.select([rows.get(person, 0) for person in people], [person in rows for person in people])
        inputs = replace(self._engine.silence(people=len(people), steps=len(scene)), state=state)
        inputs.decay[:] = self._decay * scene[0].elapsed
        for row, person in enumerate(people):
            heard = self._heard.get(person, self._unclaimed)
            inputs.heard[row] = np.concatenate([heard, [one.hears(person) for one in scene]])
        for column, moment in enumerate(scene):
            if moment.step.mel is not None:
                inputs.mel[:, column] = moment.step.mel
                inputs.sound_present[:, column] = 1
        self._compare(scene, people, inputs)
        self._look(scene, people, inputs)
        return inputs

    def _compare(self, scene: list[_Moment], people: list[int], inputs: FusionInputs) -> None:
        """Fill in the baselines."""
        if self._learner is not None:
            self._learner.begin(scene[0].step.index)
            inputs.baseline[:] = [self._learner.given(person) for person in people]
        elif self._baseline is not None and 1 in people:
            inputs.baseline[people.index(1)] = self._baseline

    def _look(self, scene: list[_Moment], people: list[int], inputs: FusionInputs) -> None:
        """Fill in the faces."""
        seen = [
            (row, column, role.face.crop)
            for column, moment in enumerate(scene)
            for row, role in enumerate(moment.roles)
            if role.face is not None
        ]
        if not seen:
            return
        rows, columns, crops = zip(*seen, strict=True)
        faces = self._engine.encode(np.stack(crops))
        inputs.face[rows, columns] = faces.embedding
        inputs.face_present[rows, columns] = 1
        if self._learner is not None:
            for row, probabilities in zip(rows, faces.probabilities, strict=True):
                self._learner.add(people[row], probabilities)


def _measurement(role: Role, moment: _Moment, outputs: FusionOutputs, at: tuple[int, int]) -> Measurement:
    weights = outputs.alignment[at]
    newest = int(weights.argmax())
    audio = bool(weights[newest] > 0)
    return Measurement(
        person=role.person,
        step=moment.step.index,
        box=role.face.box if role.face is not None else None,
        probabilities=outputs.probabilities[at],
        overall=outputs.overall[at],
        scores=outputs.scores[at],
        alignment=Alignment((_PAST - newest) / STEP_RATE, float(weights[newest])) if audio else None,
        speech=moment.step.speech,
        audio=audio,
        video=role.face is not None,
        speaking=moment.speaking(role.person),
    )
