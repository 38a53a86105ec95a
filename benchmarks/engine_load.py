"""Synthetic load for the engine alone: what decoding processes would hand over, without any media.

A worker has an array of sessions, with their numbers. Every 40 ms it hands over one crop and one step of sound for each
of them, and gets the answers; workers begin spread over those 40 ms. Every second some sessions leave and others join;
every two seconds each session's state is read, for its checkpoint. A step takes from when it was due until its answer
is there: a worker that is late is late for what follows, too.
"""

import threading
import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from service.engine import Engine, States
from service.representation import CROP_SIZE, STEP_RATE

TICK: Final = 1 / STEP_RATE
"""Seconds."""

LEAVING: Final = 0.05
"""Share of sessions that leave in a second; as many join."""

_CHECKPOINT: Final = 2 * STEP_RATE
"""Steps between two of a session."""

_PATTERNS: Final = 8
"""Different steps, taken in turn: drawing new ones would cost more than the engine does."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Some seconds with so many sessions."""

    sessions: int
    p50_ms: float
    p99_ms: float
    steps_per_second: float
    rows_per_run: float
    """Of the attention-LSTM, on average."""
    joined: int
    left: int

    @property
    def held(self) -> bool:
        """Whether 99 steps in 100 took less than the time until the next."""
        return self.p99_ms < 1000 * TICK


class Worker:
    """The sessions of one decoding process."""

    def __init__(self, engine: Engine, sessions: int, seed: int) -> None:
        self._engine = engine
        self._random = np.random.default_rng(seed)
        self._crops = self._random.integers(0, 256, (_PATTERNS, sessions, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
        self._inputs = engine.silence(people=sessions, steps=1)
        self._inputs.face_present[:] = self._inputs.sound_present[:] = self._inputs.heard[:] = 1
        self._inputs.decay[:] = -TICK / 10
        self._mel = self._random.normal(-6, 3, (_PATTERNS, *self._inputs.mel.shape)).astype(np.float32)
        self.numbers = np.arange(sessions)
        self._states: States = self._inputs.state
        self.joined = self.left = 0

    def tick(self, number: int) -> None:
        """One step of all sessions."""
        if number % STEP_RATE == STEP_RATE - 1:
            self._change()
        faces = self._engine.encode(self._crops[number % _PATTERNS])
        self._inputs.face[:, 0] = faces.embedding
        self._inputs.mel[:] = self._mel[number % _PATTERNS]
        self._states = self._engine.advance(replace(self._inputs, state=self._states)).next_state
        due = np.arange(number % _CHECKPOINT, len(self.numbers), _CHECKPOINT)
        if len(due):
            self._states.select(due.tolist(), [True] * len(due)).read()

    def _change(self) -> None:
        staying = np.flatnonzero(self._random.random(len(self.numbers)) >= LEAVING)
        leaving = len(self.numbers) - len(staying)
        kept = self._states.select(staying.tolist(), [True] * len(staying))
        self._states = self._engine.join_states([kept, self._engine.initial_state(leaving)])
        first = int(self.numbers.max()) + 1
        self.numbers = np.append(self.numbers[staying], np.arange(first, first + leaving))
        self.left += leaving
        self.joined += leaving


def run(engine: Engine, sessions: int, *, workers: int, seconds: float) -> Trial:
    """`seconds` of so many sessions, after a second that does not count."""
    sizes = [len(part) for part in np.array_split(np.arange(sessions), workers) if len(part)]
    crew = [Worker(engine, size, seed) for seed, size in enumerate(sizes)]
    for worker in crew:
        worker.tick(0)
    rows: list[int] = []
    engine.on_batch = lambda model, batch: rows.append(batch.rows) if model == "fusion" else None
    began = time.perf_counter() + TICK
    taken: list[list[float]] = [[] for _ in crew]
    errors: list[Exception] = []

    def work(place: int) -> None:
        offset, ticks = began + place * TICK / len(crew), round((1 + seconds) * STEP_RATE)
        try:
            for number in range(ticks):
                due = offset + number * TICK
                time.sleep(max(0.0, due - time.perf_counter()))
                crew[place].tick(number)
                taken[place].append(time.perf_counter() - due)
                if taken[place][-1] > 1:
                    return  # hopeless: it would only take longer to say so
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(crew))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    elapsed = time.perf_counter() - began
    # Each step counts once for every session in it.
    times = np.concatenate([np.repeat(one[STEP_RATE:] or one, size) for one, size in zip(taken, sizes, strict=True)])
    return Trial(
        sessions=sessions,
        p50_ms=1000 * float(np.quantile(times, 0.5)),
        p99_ms=1000 * float(np.quantile(times, 0.99)),
        steps_per_second=sum(len(one) * size for one, size in zip(taken, sizes, strict=True)) / elapsed,
        rows_per_run=float(np.mean(rows)),
        joined=sum(worker.joined for worker in crew),
        left=sum(worker.left for worker in crew),
    )


def most_held(engine: Engine, *, workers: int, seconds: float) -> tuple[Trial | None, list[Trial]]:
    """The trial with the most sessions that were held, found by doubling and then by halves to within a tenth, and all
    trials; None where not even one session was. One that was not held is tried again: something else may have run."""
    trials = []
    held: Trial | None = None
    low, high, step = 0, 0, 1
    while not high or high - low > max(1, low // 10):
        sessions = (low + high) // 2 if high else step
        trial = run(engine, sessions, workers=workers, seconds=seconds)
        if not trial.held:
            trial = min(trial, run(engine, sessions, workers=workers, seconds=seconds), key=lambda one: one.p99_ms)
        trials.append(trial)
        if trial.held:
            held, low, step = trial, sessions, 2 * sessions
        else:
            high = sessions
    return held, trials
