"""Who is speaking: with several faces on stage, the speech belongs to the one whose mouth moves with it."""

from collections.abc import Sequence

from service.analysis.cast import Role
from service.domain import Step
from service.timeline.snapshot import Arrays


class SpeakerFinder:
    """Compares how each mouth moves with how loud the sound is."""

    def push(self, step: Step, roles: Sequence[Role]) -> int | None:  # noqa: ARG002
        """The person whose the speech of `step` is; None while that is undecided, or with one person on stage. Call
        with steps in order."""
        return None

    def state(self) -> Arrays:
        """All that is needed to go on, as arrays."""
        return {}

    def restore(self, state: Arrays) -> None:
        """Go on from `state`."""
