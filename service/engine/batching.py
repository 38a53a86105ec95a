"""Batches across threads: whoever finds the model free runs it for everyone who waits.

There is no timer and no thread of its own. While one batch runs, callers queue up; the first to get the model next
takes all waiting requests of its own kind along. A lone caller therefore never waits, and batches grow with the load.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Request, Response]):
    kind: Hashable
    request: Request
    size: int
    response: Response | None = None
    error: BaseException | None = None
    done: bool = False


class Batcher(Generic[Request, Response]):
    """Calls `run` with lists of requests of one kind, at most `limit` rows together, one list at a time."""

    def __init__(self, run: Callable[[Sequence[Request]], Sequence[Response]], *, limit: int) -> None:
        self._run = run
        self._limit = limit
        self._waiting: list[_Ticket[Request, Response]] = []
        self._waiting_lock = Lock()
        self._model = Lock()

    def __call__(self, request: Request, *, kind: Hashable, size: int) -> Response:
        """Block until `request`, which counts `size` rows, has been run in some batch.

        Only requests of equal `kind` share one. Raises whatever `run` raised for that batch.
        """
        ticket: _Ticket[Request, Response] = _Ticket(kind, request, size)
        with self._waiting_lock:
            self._waiting.append(ticket)
        with self._model:
            if not ticket.done:
                self._lead(self._take(ticket))
        if ticket.error is not None:
            raise ticket.error
        assert ticket.response is not None  # noqa: S101  (set together with done)
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

    def _lead(self, batch: list[_Ticket[Request, Response]]) -> None:
        try:
            for ticket, response in zip(batch, self._run([ticket.request for ticket in batch]), strict=True):
                ticket.response = response
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
        for ticket in batch:
            ticket.done = True
