"""A decoding process as the service sees it: started, handed sessions, waited for, killed."""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess  # nosec B404
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final

from service.errors import WorkerFailed
from service.logs import LogFormat
from service.media import MediaLimits
from service.workers.blackbox import CELLS, BlackBox
from service.workers.blame import Fate, Record, judge
from service.workers.codec import Failure, Report
from service.workers.confinement import PARTS
from service.workers.session import WorkerSession, error_of
from service.workers.start import OUT_OF_MEMORY, Start

START_SECONDS: Final = 120.0
"""How long a process may take to load its libraries."""

_MESSAGE_BYTES = 64 * 1024
_STUCK: Final = 0.9
"""Share of the time after which a process counts as hung for which a session that did it has had bytes in hand."""
_KEPT = (
    *("PATH", "HOME", "XDG_CACHE_HOME", "ATTUNE_CACHE", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"),
    "MPLCONFIGDIR",  # mediapipe imports matplotlib, which looks for a folder that it may write its list of fonts to
)
_SET = {
    # One thread per library: the cores are shared out among processes, not within one.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "GLOG_minloglevel": "2",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONUNBUFFERED": "1",
}


def environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a decoding process: what it needs to find files, and nothing that may be secret."""
    return {name: inherited[name] for name in _KEPT if name in inherited} | _SET


COMMAND: Final = (sys.executable, "-I", "-m", "service.workers.child")
"""What starts a decoding process; it is told the rest by one more argument, a `Start` as JSON."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How decoding processes are started and watched."""

    hang_seconds: float
    memory_bytes: int
    """Bound on the address space of each; one that holds half of it in memory is replaced."""
    file_bytes: int = MediaLimits().max_spool_bytes
    """Bound on each file that one writes."""
    log_format: LogFormat = "text"
    spool_dir: Path | None = None
    command: tuple[str, ...] = COMMAND


class WorkerProcess:
    """One running decoding process and its sessions. Make it with `start`."""

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, box: BlackBox, settings: WorkerSettings
    ) -> None:
        self._process = process
        self._control = control
        self._box = box
        self._settings = settings
        self._next_number = 0
        self._records: dict[int, Record] = {}
        """Of the sessions that are open, by number."""
        self._culprits: dict[int, str] = {}
        """Sessions that are known to have made it unusable, and how."""
        self._suspects: set[int] | None = None
        """Sessions that may have, where that was noticed before its end."""
        self._reason = ""
        """Why the service has stopped it."""
        self._fates: dict[int, Fate] = {}
        self._over = asyncio.Event()
        self.lacks: list[str] = []
        """What does not confine it (`service.workers.confinement`), and why."""
        self.usable = True
        """Whether it takes sessions; its end may become known a moment later."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def end(self) -> str:
        """How it ended, for the log."""
        status = self._process.returncode
        if self._reason:
            return self._reason
        if status is None or status >= 0:
            return "out of memory" if status == OUT_OF_MEMORY else f"status {status}"
        try:
            return signal.Signals(-status).name
        except ValueError:
            return f"signal {-status}"

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "WorkerProcess":
        """Start a process and wait until it is ready. Raises the `AttuneError` that it names, or `WorkerFailed`."""
        try:
            worker = cls._launch(settings)
        except OSError as error:
            raise WorkerFailed(f"The decoding process could not be started: {error.strerror}.") from error
        try:
            await worker._wait_ready()
        except BaseException:
            await worker.kill()
            raise
        return worker

    @classmethod
    def _launch(cls, settings: WorkerSettings) -> "WorkerProcess":
        """Start a process that may not be ready yet. Raises OSError and leaves nothing open when there is no room."""
        with ExitStack() as opened:
            box = BlackBox()
            opened.callback(box.close)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            opened.callback(ours.close)
            ours.setblocking(False)
            start = Start(
                control=theirs.fileno(),
                black_box=box.descriptor,
                memory_bytes=settings.memory_bytes,
                file_bytes=settings.file_bytes,
                cpu_seconds=settings.hang_seconds / 2,  # before it counts as hung: the kernel knows best who did it
                log_format=settings.log_format,
                spool_dir=settings.spool_dir,
            )
            with theirs:
                # Its own process group: a terminal's interrupt reaches the service alone, which lets analyses finish.
                # No session of its own: nice values (`service.workers.precedence`) count among those of a session only.
                process = subprocess.Popen(  # noqa: S603  # nosec B603
                    [*settings.command, start.to_json()],
                    env=environment(),
                    pass_fds=[start.control, start.black_box],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    process_group=0,
                )
            opened.pop_all()
        return cls(process, ours, box, settings)

    async def _wait_ready(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                message = await asyncio.get_running_loop().sock_recv(self._control, _MESSAGE_BYTES)
        except TimeoutError:
            raise WorkerFailed("The decoding process did not start in time.") from None
        except ConnectionResetError:
            message = b""
        if not message:
            raise WorkerFailed("The decoding process ended before it was ready.")
        try:
            answer = json.loads(message)
            refusal = None if answer["ready"] else error_of(Failure(answer["code"], answer["detail"]))
            self.lacks = (
                [] if refusal else [f"{part} ({answer['lacks'][part]})" for part in PARTS if part in answer["lacks"]]
            )
        except (ValueError, LookupError, TypeError) as error:
            raise WorkerFailed("The decoding process did not say whether it is ready.") from error
        if refusal is not None:
            raise refusal

    def open_session(
        self, record: Record, *, given: int, on_report: Callable[[Report], None]
    ) -> tuple[int, WorkerSession]:
        """Hand the process a new session, which is to be begun; its number and itself.

        Steps before `given` were given before. Raises OSError; the process stays usable only if that was not its fault.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        number = next(number for number in count(self._next_number) if number % CELLS not in self._cells())
        self._next_number = number + 1
        with theirs:
            try:
                socket.send_fds(self._control, [str(number).encode()], [theirs.fileno()])
            except OSError:
                ours.close()
                self.usable = False
                self.stop("it takes no sessions")
                raise
        self._records[number] = record
        return number, WorkerSession(
            ours,
            self._settings.hang_seconds,
            given=given,
            on_close=partial(self._forget, number),
            on_distrust=partial(self.accuse, number),
            on_hang=self.hangs,
            on_report=on_report,
        )

    def _forget(self, number: int) -> None:
        self._records.pop(number, None)

    def _cells(self) -> set[int]:
        return {number % CELLS for number in self._records}

    def accuse(self, number: int, reason: str) -> None:
        """Stop the process because of one session."""
        self._culprits.setdefault(number, reason)
        self.stop(reason)

    def hangs(self) -> None:
        """Stop the process because one of its sessions makes no progress.

        Whose thread has had bytes in hand for all that time has done it. Several have where one of them lets no other
        thread run, and none where the process as a whole stands still: then everyone with bytes in hand may have.
        """
        in_hand = self._box.in_hand(self._records)
        stuck = {
            number for number, since in in_hand.items() if monotonic() - since > _STUCK * self._settings.hang_seconds
        }
        if len(stuck) == 1:
            self._culprits.setdefault(stuck.pop(), "it made no progress")
        else:
            self._suspects = stuck or set(in_hand)
        self.stop("it made no progress")

    async def wait(self) -> None:
        """Return once the process has ended, by itself or killed."""
        try:
            # It sends nothing after it is ready: only its end can wake this up.
            await asyncio.get_running_loop().sock_recv(self._control, 1)
        except ConnectionResetError:
            pass
        finally:
            self.usable = False
            await self.kill()

    async def fate(self, number: int) -> tuple[Fate, str]:
        """What becomes of one of its sessions, and why, once the process has ended."""
        await self._over.wait()
        again = f"it ended with this media in hand more than once ({self.end})"
        fate = self._fates.get(number, Fate.ENDS)
        return fate, self._culprits.get(number, again if fate is Fate.ENDS else self.end)

    def stop(self, reason: str) -> None:
        """Kill the process at once; `wait` returns soon after."""
        self.usable = False
        self._reason = self._reason or reason
        self._process.kill()

    def is_bloated(self) -> bool:
        """Whether it holds more memory than a process should that is to serve on."""
        return resident_bytes(self.pid) > self._settings.memory_bytes // 2

    async def kill(self) -> None:
        """Kill the process, if it still runs, wait for its end, and find out what it means for its sessions."""
        if self._over.is_set():
            return
        self._process.kill()
        await asyncio.shield(asyncio.to_thread(self._process.wait))
        self._judge()
        self._control.close()
        self._box.close()
        self._over.set()

    def _judge(self) -> None:
        if not self._culprits and (number := self._box.struck(self._records)) is not None:
            self._culprits[number] = f"it crashed ({self.end})"
        if self._suspects is None:
            has_left = self._process.returncode == OUT_OF_MEMORY
            self._suspects = set() if has_left else set(self._box.in_hand(self._records))
        suspects = {number: self._box.place(number) for number in self._suspects}
        self._fates = judge(self._records, culprits=self._culprits, suspects=suspects, now=monotonic())


def resident_bytes(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where the system does not say so, or the process has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
