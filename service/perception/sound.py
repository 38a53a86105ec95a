"""Sound on the sample grid to log-mel frames and speech flags on the step grid."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain import Sound
from service.perception.logmel import LogMel
from service.perception.speech import SpeechDetector
from service.representation import ABSENCE, MEL_BINS, MELS_PER_STEP, SAMPLE_RATE, SAMPLES_PER_STEP

MAX_FILL = round(ABSENCE * SAMPLE_RATE)
"""Samples of a gap in which silence is heard; behind a longer one listening begins anew."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one step hears: the 40 ms before it, all of them sound."""

    step: int
    mel: NDArray[np.float32]
    """[4, 64]."""
    speech: bool


class Listener:
    """Turns a sound track into what each step hears. How it is split into runs of samples changes nothing."""

    def __init__(self) -> None:
        self.end = 0
        """Sample of the media behind the last one taken."""
        self._run = 0
        self._listening = False

    def push(self, sound: Sound) -> Iterator[Heard]:
        """Take the next run (what overlaps earlier ones is dropped); give the steps whose sound is complete."""
        samples = sound.samples[max(0, self.end - sound.start) :]
        if not len(samples):
            return
        start = max(sound.start, self.end)
        if not self._listening or start - self.end > MAX_FILL:
            yield from self._begin(start)
        elif start > self.end:
            self._run = start
            for _ in self._take(np.zeros(start - self.end, np.float32)):
                pass  # steps that reach into the gap hear nothing
        self.end = start + len(samples)
        for heard in self._take(samples):
            if SAMPLES_PER_STEP * (heard.step - 1) >= self._run:
                yield heard

    def _begin(self, start: int) -> Iterator[Heard]:
        """Listen afresh from the step before `start` on, with silence up to `start`."""
        self._listening = True
        self._run = start
        self._step = start // SAMPLES_PER_STEP
        self._log_mel = LogMel()
        self._speech = SpeechDetector(self._step)
        self._rows = np.empty((0, MEL_BINS), np.float32)
        silence = np.zeros(start - SAMPLES_PER_STEP * self._step, np.float32)
        self._rows = self._log_mel.push(silence)
        self._speech.push(silence)
        first = Heard(self._step, self._next_rows(), False)
        if start == 0:  # nothing lies before the first step of all
            yield first

    def _take(self, samples: NDArray[np.float32]) -> Iterator[Heard]:
        self._rows = np.concatenate([self._rows, self._log_mel.push(samples)])
        for flag in self._speech.push(samples):
            self._step += 1
            yield Heard(self._step, self._next_rows(), flag)

    def _next_rows(self) -> NDArray[np.float32]:
        rows, self._rows = self._rows[:MELS_PER_STEP], self._rows[MELS_PER_STEP:]
        return rows
