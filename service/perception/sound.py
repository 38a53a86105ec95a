"""Sound on the sample grid to log-mel frames and speech flags on the step grid."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain import Sound
from service.perception.logmel import LogMel
from service.perception.speech import EPOCH, SpeechDetector, listen_from
from service.representation import ABSENCE, MELS_PER_STEP, SAMPLE_RATE, SAMPLES_PER_STEP

MAX_FILL = round(ABSENCE * SAMPLE_RATE)
"""Samples of a gap in which silence is heard; behind a longer one listening begins anew."""


_KEPT = 2 * EPOCH * SAMPLES_PER_STEP
"""Samples for which it is remembered where there was sound. A step may be given up to three seconds after its sound was
taken (`ABSENCE`, and a run of a second), and must be heard from up to 6.2 s before it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one step hears: the 40 ms before it, all of them sound."""

    step: int
    mel: NDArray[np.float32]
    """[4, 64]."""
    speech: bool
    arrived: float
    """When the last of this sound arrived; see `Sound`."""


class Listener:
    """Turns a sound track into what each step hears. How it is split into runs of samples changes nothing."""

    def __init__(self) -> None:
        self.end = 0
        """Sample of the media behind the last one taken."""
        self._from = 0
        """Sample from which listening goes on; what comes before it is only known to have been sound."""
        self._run = 0
        self._listening = False
        self._runs: deque[tuple[int, int]] = deque()
        """Start and end of the gapless runs of the last `_KEPT` samples."""

    def mark(self, step: int) -> tuple[int, int | None]:
        """Where listening must begin so that `step` and all after it hear the same as here, for `resume`.

        Gives that sample, a whole step, and the end of the sound taken before it, None without any. `step` is at most
        three seconds behind `end`.
        """
        start = SAMPLES_PER_STEP * listen_from(step)
        before = [end for begin, end in self._runs if begin < start]
        return start, min(start, before[-1]) if before else None

    def resume(self, start: int, end: int | None) -> None:
        """Make a fresh listener go on at the sample `start` of a `mark`, as if it had taken what came before `end`."""
        self._from = start
        if end is not None:
            self.end = end
            self._runs.append((end - 1, end))
            self._begin(start)

    def push(self, sound: Sound) -> Iterator[Heard]:
        """Take the next run (what overlaps earlier ones is dropped); give the steps whose sound is complete."""
        samples = sound.samples[max(0, self.end - sound.start) :]
        if not len(samples):
            return
        start, end, taken = max(sound.start, self.end), self.end, max(self.end, self._from)
        afresh = not self._listening or start - end > MAX_FILL
        self._note(start, start + len(samples))
        self.end = start + len(samples)
        if start < self._from:
            if afresh:
                self._begin(self._from)
            samples = samples[self._from - start :]
        elif afresh:
            rows = self._begin(start)
            if start == 0:  # nothing lies before the first step of all
                yield Heard(0, rows, False, sound.arrived)
        elif start > end:
            self._run = start
            for _ in self._take(np.zeros(start - taken, np.float32), sound.arrived):
                pass  # steps that reach into the gap hear nothing
        for heard in self._take(samples, sound.arrived):
            if SAMPLES_PER_STEP * (heard.step - 1) >= self._run:
                yield heard

    def _note(self, start: int, end: int) -> None:
        """Remember where there was sound."""
        while len(self._runs) > 1 and self._runs[1][0] <= self.end - _KEPT:
            self._runs.popleft()
        if self._runs and self._runs[-1][1] == start:
            start = self._runs.pop()[0]
        self._runs.append((start, end))

    def _begin(self, start: int) -> NDArray[np.float32]:
        """Listen afresh from the step before `start` on, with silence up to `start`; give that step's rows [4, 64]."""
        self._listening = True
        self._run = start
        self._step = start // SAMPLES_PER_STEP
        self._log_mel = LogMel()
        self._speech = SpeechDetector(self._step)
        silence = np.zeros(start - SAMPLES_PER_STEP * self._step, np.float32)
        self._rows = self._log_mel.push(silence)
        self._speech.push(silence)
        return self._next_rows()

    def _take(self, samples: NDArray[np.float32], arrived: float) -> Iterator[Heard]:
        self._rows = np.concatenate([self._rows, self._log_mel.push(samples)])
        for flag in self._speech.push(samples):
            self._step += 1
            yield Heard(self._step, self._next_rows(), flag, arrived)

    def _next_rows(self) -> NDArray[np.float32]:
        rows, self._rows = self._rows[:MELS_PER_STEP], self._rows[MELS_PER_STEP:]
        return rows
