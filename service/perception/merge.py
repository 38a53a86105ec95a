"""What is seen and what is heard, put together step by step."""

from collections.abc import Iterator

from service.domain import Face, Step
from service.perception.sound import Heard
from service.representation import ABSENCE, SAMPLES_PER_STEP, STEP_RATE

ABSENT_AFTER = round(ABSENCE * STEP_RATE)
"""Steps by which a stream may lag behind the other before steps go on without it."""

GONE_AFTER = 2 * ABSENT_AFTER
"""Steps of lag beyond which a stream is not waited for at all until it brings something again."""


class Merger:
    """Collects faces and sound, and gives the steps that are complete; see `perceive` for when they are."""

    def __init__(self, has_video: bool, has_audio: bool) -> None:
        """Whether pictures, and whether sound, may come."""
        self._both = has_video and has_audio
        self._seen: dict[int, tuple[tuple[Face, ...], float]] = {}
        self._heard: dict[int, Heard] = {}
        self._last = -1
        """The last step that held anything."""
        self._next = 0
        """The step that is given next."""
        self._seen_to = 0
        """Steps whose picture, if any, has come."""
        self._heard_to = 0
        """Steps whose sound, if any, has come."""

    def wants(self, step: int) -> bool:
        """Whether a picture of that step would be taken: it is neither too late nor the second one."""
        return step >= max(self._seen_to, self._next)

    def see(self, step: int, faces: tuple[Face, ...], arrived: float) -> None:
        """Take the faces on the picture of a step, where they are wanted."""
        if self.wants(step):
            self._seen[step] = (faces, arrived)
        self._seen_to = max(self._seen_to, step + 1)

    def hear(self, heard: Iterator[Heard]) -> None:
        """Take what steps hear, where it has not come too late."""
        self._heard |= {one.step: one for one in heard if one.step >= self._next}

    def hear_to(self, end: int) -> None:
        """Take note that all sound up to the sample `end` has come."""
        self._heard_to = max(self._heard_to, -(-end // SAMPLES_PER_STEP))

    def ready(self) -> Iterator[Step]:
        """Give the steps that are complete by now."""
        behind, ahead = sorted((self._seen_to, self._heard_to))
        if not self._both or ahead - behind > GONE_AFTER:
            return self._give(ahead)
        return self._give(max(behind, ahead - ABSENT_AFTER))

    def rest(self) -> Iterator[Step]:
        """Give what is left at the end of the media."""
        return self._give(max(self._seen_to, self._heard_to))

    def mark(self, step: int) -> list[int]:
        """All that must be known, while `step` is given, to begin with it anew, for JSON."""
        return [min(self._last, step - 1), min(self._seen_to, step), min(self._heard_to, step)]

    def resume(self, step: int, state: list[int]) -> None:
        """Make a fresh merger begin with the `step` of a `mark`."""
        self._next = step
        self._last, self._seen_to, self._heard_to = state

    def _give(self, end: int) -> Iterator[Step]:
        while self._next < end:
            step = self._next
            seen, heard = self._seen.pop(step, None), self._heard.pop(step, None)
            if seen is not None or heard is not None:
                self._last = step
            elif step - self._last > ABSENT_AFTER:
                self._next = min([end, *self._seen, *self._heard])
                continue
            self._next += 1
            faces, arrived = seen if seen is not None else ((), 0.0)
            if heard is None:
                yield Step(step, faces, None, False, arrived)
            else:
                yield Step(step, faces, heard.mel, heard.speech, max(arrived, heard.arrived))
