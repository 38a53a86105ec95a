"""Random measurements of several people, as an analyser would give them."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from service.domain import Alignment, Box, Measurement, Step

Measured = list[tuple[Step, list[Measurement]]]
"""Steps in order, each with what was measured in it."""


def measurement(person: int, step: int, *, speech: bool, audio: bool, video: bool) -> Measurement:
    """Random numbers that depend on person and step alone."""
    random = np.random.default_rng(1000 * person + step)
    return Measurement(
        person=person,
        step=step,
        box=Box(*random.random(4).tolist()) if video else None,
        probabilities=random.dirichlet(np.ones(7)).astype(np.float32),
        overall=random.dirichlet(np.ones(7)).astype(np.float32),
        scores=random.uniform(-8, 8, 7).astype(np.float32),
        alignment=Alignment(int(random.integers(0, 25)) / 25, float(np.float32(random.random()))) if audio else None,
        speech=speech,
        audio=audio,
        video=video,
        speaking=[None, True, False][int(random.integers(0, 3))] if speech else None,
    )


@st.composite
def measured(draw: st.DrawFn, *, longest: int = 120) -> Measured:
    """Steps with jumps; up to three people who come and go, each with or without evidence after the first step."""
    evidence = st.tuples(st.integers(1, 3), st.booleans(), st.booleans())
    rows = draw(st.lists(st.tuples(st.booleans(), st.lists(evidence, max_size=3)), min_size=1, max_size=longest))
    jump = draw(st.integers(0, longest))
    steps: Measured = []
    met: set[int] = set()
    for k, (speech, people) in enumerate(rows):
        index = k if k < jump else k + 70
        found = [
            measurement(person, index, speech=speech, audio=audio, video=video or person not in met)
            for person, audio, video in sorted({one[0]: one for one in people}.values())
        ]
        met |= {one.person for one in found}
        steps.append((Step(index, (), None, speech), found))
    return steps


def flat(rows: Measured) -> tuple[Sequence[Step], Sequence[Measurement]]:
    """The steps, and all that was measured in them."""
    return [step for step, _ in rows], [one for _, found in rows for one in found]
