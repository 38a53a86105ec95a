"""A decoding process as the service sees it: started, handed sessions, waited for, killed."""

import asyncio
import json
import os
import socket
import subprocess  # nosec B404
import sys
from collections.abc import Callable, Mapping

from service.errors import WorkerFailed
from service.logs import LogFormat
from service.workers.codec import Failure, Report
from service.workers.session import WorkerSession, error_of

START_SECONDS = 120.0
"""How long a process may take to load its libraries."""

_MESSAGE_BYTES = 64 * 1024
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


class WorkerProcess:
    """One running decoding process and its sessions. Make it with `start`."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self.sessions: set[WorkerSession] = set()
        self.usable = True
        """Whether it takes sessions; its end may become known a moment later."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @classmethod
    async def start(cls, memory_bytes: int, log_format: LogFormat = "text") -> "WorkerProcess":
        """Start a process and wait until it is ready. Raises the `AttuneError` that it names, or `WorkerFailed`."""
        try:
            worker = cls._launch(memory_bytes, log_format)
        except OSError as error:
            raise WorkerFailed(f"The decoding process could not be started: {error.strerror}.") from error
        try:
            await worker._wait_ready()
        except BaseException:
            await worker.kill()
            raise
        return worker

    @classmethod
    def _launch(cls, memory_bytes: int, log_format: LogFormat) -> "WorkerProcess":
        """Start a process that may not be ready yet. Raises OSError and leaves nothing open when there is no room."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        arguments = [str(theirs.fileno()), str(memory_bytes), log_format]
        command = [sys.executable, "-I", "-m", "service.workers.child", *arguments]
        with theirs:
            try:
                # Its own process group: a terminal's interrupt reaches the service alone, which lets analyses finish.
                # No session of its own: nice values (`service.workers.precedence`) count among those of a session only.
                process = subprocess.Popen(  # noqa: S603  # nosec B603
                    command,
                    env=environment(),
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    process_group=0,
                )
            except OSError:
                ours.close()
                raise
        return cls(process, ours)

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
        except (ValueError, LookupError, TypeError) as error:
            raise WorkerFailed("The decoding process did not say whether it is ready.") from error
        if refusal is not None:
            raise refusal

    def open_session(self, hang_seconds: float, on_report: Callable[[Report], None]) -> WorkerSession:
        """Hand the process a new session, which is to be begun. Raises OSError; the process stays usable only if that
        was not its fault."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            try:
                socket.send_fds(self._control, [b"session"], [theirs.fileno()])
            except OSError:
                ours.close()
                self.usable = False
                self.stop()
                raise
        session = WorkerSession(
            ours, hang_seconds, on_close=self.sessions.discard, on_distrust=self.stop, on_report=on_report
        )
        self.sessions.add(session)
        return session

    async def wait(self) -> None:
        """Return once the process has ended, by itself or killed."""
        try:
            # It sends nothing after it is ready: only its end can wake this up.
            await asyncio.get_running_loop().sock_recv(self._control, 1)
        except ConnectionResetError:
            pass
        finally:
            await self.kill()

    def stop(self) -> None:
        """Kill the process at once; `wait` returns soon after."""
        self._process.kill()

    async def kill(self) -> None:
        """Kill the process, if it still runs, and wait for its end."""
        self._process.kill()
        await asyncio.shield(asyncio.to_thread(self._process.wait))
        self._control.close()
