"""Batches across threads: whoever finds the model free runs it for everyone who waits.

There is no timer and no thread of its own. While one batch runs, callers queue up; the first to get the model next
takes all waiting requests of its own kind along. A lone caller therefore never waits, and batches grow with the load.
What becomes of a run that fails is in `service.engine.rescue`.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of the model. Times are seconds."""

    rows: int
    waits: list[float]
    """For each call that it answered, from the call to the begin of the run."""
    seconds: float
    """How long the run took."""


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Request, Response]):
    kind: Hashable
    request: Request
    size: int
    called: float = field(default_factory=monotonic)
    response: Response | None = None
    error: BaseException | None = None
    done: bool = False


class Batcher(Generic[Request, Response]):
    """Calls `run` with lists of requests of one kind, at most `limit` rows together, one list at a time."""

    def __init__(
        self,
        run: Callable[[Sequence[Request]], Sequence[Response]],
        *,
        limit: int,
        rescue: Callable[[Request, Exception], Response] | None = None,
        on_batch: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        """`rescue` answers each request of a run that raised, or raises what its caller is to be told; without it that
        is what the run raised. `on_batch` is told of each run, in the thread that led it."""
        self._run = run
        self._rescue = rescue
        self._limit = limit
        self._on_batch = on_batch
        self._waiting: list[_Ticket[Request, Response]] = []
        self._waiting_lock = Lock()
        self._model = Lock()

    @property
    def waiting(self) -> int:
        """Calls that wait for the model now."""
        return len(self._waiting)

    def __call__(self, request: Request, *, kind: Hashable, size: int) -> Response:
        """Block until `request`, which counts `size` rows, has been run in some batch.

        Only requests of equal `kind` share one. Raises what `run` raised for that batch, or `rescue` for this request.
        """
        ticket: _Ticket[Request, Response] = _Ticket(kind, request, size)
        with self._waiting_lock:
            self._waiting.append(ticket)
        led = None
        with self._model:
            if not ticket.done:
                led = self._lead(self._take(ticket))
        if led is not None:
            self._on_batch(led)  # others need not wait for this
        if ticket.error is not None:
            raise ticket.error
        assert ticket.response is not None  # noqa: S101  (set together with done)  # nosec B101
        return ticket.response

    def _take(self, leader: _Ticket[Request, Response]) -> list[_Ticket[Request, Response]]:
        batch, rows = [leader], leader.size
        with self._waiting_lock:
            for ticket in self._waiting:
                if ticket is not leader and ticket.kind == leader.kind and rows + ticket.size <= self._limit:
                    batch.append(ticket)
                    rows += ticket.size
            self._waiting = [ticket for ticket in self._waiting if ticket not in batch]
        return batch

    def _lead(self, batch: list[_Ticket[Request, Response]]) -> Batch:
        began = monotonic()
        try:
            for ticket, response in zip(batch, self._run([ticket.request for ticket in batch]), strict=True):
                ticket.response = response
        except BaseException as error:
            for ticket in batch:
                self._save(ticket, error)
        for ticket in batch:
            ticket.done = True
        rows = sum(ticket.size for ticket in batch)
        return Batch(rows, [began - ticket.called for ticket in batch], monotonic() - began)

    def _save(self, ticket: _Ticket[Request, Response], error: BaseException) -> None:
        """Settle one request of a run that raised `error`."""
        if self._rescue is None or not isinstance(error, Exception):
            ticket.error = error
            return
        try:
            ticket.response = self._rescue(ticket.request, error)
        except BaseException as final:
            ticket.error = final
