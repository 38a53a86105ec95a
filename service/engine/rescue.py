"""What becomes of a call whose run failed: it is run once more, by itself; if that fails too, it is found out whether
the model or the call is to blame.

A run takes calls of several callers together, so one that fails says nothing of any of them. Whoever works when run
alone never hears of it. Of a call that fails alone the model itself is asked: when it does not get through a step that
is known to be good either, it is the model (its device, its memory), and all callers are told to come back or to go
elsewhere; when it does, it was this call, and its caller alone is told of a defect.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, Literal, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import Unavailable

_LOG = logging.getLogger(__name__)

RETRY_AFTER: Final = 1
"""Seconds after which it is worth to try again: elsewhere at once, and a balancer needs a moment to notice."""

Fate = Literal["recovered", "refused", "failed"]
"""Of a call whose run failed: answered by a second run; refused, since the model does not work; failed by itself."""

Request = TypeVar("Request")
Response = TypeVar("Response")


class NotFinite(ArithmeticError):
    """A network answered with something that is no number."""


class Health:
    """Whether the model works, as far as is known. It stops being so in any thread, and is set right by a probe."""

    def __init__(self) -> None:
        self.works = True

    def check(self) -> None:
        """Raise `Unavailable` while the model does not work."""
        if not self.works:
            raise _unavailable()

    def lose(self, error: Exception) -> NoReturn:
        """The model has failed with `error`: raise `Unavailable`."""
        if self.works:
            self.works = False
            _LOG.error("the model has failed; nothing is analysed until a probe gets through it", exc_info=error)
        raise _unavailable() from error


class Rescue(Generic[Request, Response]):
    """Answers single calls of runs that raised."""

    def __init__(
        self,
        run: Callable[[Sequence[Request]], Sequence[Response]],
        *,
        probe: Callable[[], object],
        health: Health,
        on_failure: Callable[[Fate], None],
    ) -> None:
        """`probe` raises where the model does not work; `on_failure` is told what became of each call."""
        self._run = run
        self._probe = probe
        self._health = health
        self._on_failure = on_failure

    def __call__(self, request: Request, error: Exception) -> Response:
        """The answer to `request`, which a run that raised `error` left without.

        Raises `Unavailable` where the model does not work, and what a run of this request alone raises where it does.
        """
        if not self._health.works:
            self._on_failure("refused")
            self._health.check()
        _LOG.warning("a run of the model failed (%s: %s); each of its calls is run alone", type(error).__name__, error)
        try:
            [response] = self._run([request])
        except Exception as alone:
            self._blame(alone)
        self._on_failure("recovered")
        return response

    def _blame(self, error: Exception) -> NoReturn:
        try:
            self._probe()
        except Exception:
            self._on_failure("refused")
            self._health.lose(error)
        self._on_failure("failed")
        raise error


def _unavailable() -> Unavailable:
    return Unavailable("The model does not work here now.", retry_after=RETRY_AFTER)


def check_finite(outputs: Iterable[NDArray[Any]]) -> None:
    """Raise `NotFinite` for outputs of a network that hold infinity or what is no number."""
    if not all(np.isfinite(output).all() for output in outputs):
        raise NotFinite("the model answered with what is no number")
