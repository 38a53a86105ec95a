"""One session inside a decoding process: bytes in from a socket, steps of perception out of it."""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from service.domain import ResumePoint, Step
from service.errors import AttuneError, WorkerFailed
from service.logs import about, note
from service.media import FrameReader, Live, MediaReader, decode, decode_frames
from service.perception.detector import FaceDetector
from service.perception.perceive import Perception, perceive
from service.representation import STEP_RATE
from service.workers.blackbox import Hand
from service.workers.codec import End, Failure, Message, Notice, encode
from service.workers.detectors import DetectorPool
from service.workers.feed import OPTIONS, RESUME, FeedReader, decode_resume
from service.workers.options import SessionOptions
from service.workers.precedence import stand_back
from service.workers.sources import ContainerSource, frame_messages
from service.workers.timing import TimedMedia, TimedSteps

Send = Callable[[Message], None]

_LOG = logging.getLogger(__name__)


def run_session(
    connection: socket.socket, detectors: DetectorPool[FaceDetector], hand: Hand, on_exhausted: Callable[[], None]
) -> None:
    """Decode what arrives on `connection` to its end and send steps, media info and how it ended; then close it.

    What the thread does meanwhile is in `hand`. `on_exhausted` is called last where memory ran out.
    """

    def send(message: Message) -> None:
        data = encode(message)
        hand.rest()
        connection.sendall(data)
        hand.take()

    hand.begin(threading.get_ident())
    with connection, about():
        try:
            _perceive(FeedReader(connection, hand), hand, send, detectors)
        except (BrokenPipeError, ConnectionResetError):
            return  # the service has given this session up
        except AttuneError as error:
            _fail(send, error)
        except MemoryError:
            try:
                _fail(send, WorkerFailed("The media took more memory than a decoding process may have."))
            finally:
                on_exhausted()
        except Exception:
            _LOG.exception("decoding failed unexpectedly")
            _fail(send, WorkerFailed("The media made the decoder fail."))
        finally:
            hand.end()


def _perceive(feed: FeedReader, hand: Hand, send: Send, detectors: DetectorPool[FaceDetector]) -> None:
    options, resume = SessionOptions.from_json(feed.expect(OPTIONS)), None
    note(**options.log_fields)
    if not options.live:
        stand_back()
    if options.resumes:
        resume = decode_resume(feed.expect(RESUME))
    news = _News(options.given, send)
    with detectors.borrow(live=options.live) as detector:
        began, waited = monotonic(), feed.waited
        with _open(feed, options, resume, news.send) as media:
            timed = TimedMedia(media, feed, opening=monotonic() - began - (feed.waited - waited))
            perception = perceive(
                timed, detector, faces=options.faces, checkpoint_every=options.checkpoint_every, resume=resume
            )
            _tell(TimedSteps(perception, timed, feed), news, hand, media, perception, send)


class _News:
    """Tells apart what the process that had the session before has told, and what it has not."""

    def __init__(self, given: int, send: Send) -> None:
        """Steps before `given` were told, and all that came before the last of them."""
        self._given = given
        self._send = send
        self._begun = given == 0

    def hides(self, step: Step) -> bool:
        """Whether `step`, the next of all, was told."""
        self._begun = self._begun or step.index >= self._given - 1
        return step.index < self._given

    def send(self, notice: Message) -> None:
        """Tell what belongs between the steps, where it is new."""
        if self._begun:
            self._send(notice)


def _tell(
    steps: TimedSteps, news: _News, hand: Hand, media: MediaReader | FrameReader, perception: Perception, send: Send
) -> None:
    told = 0
    for step in steps:
        hand.come_to(step.index)
        if news.hides(step):
            steps.report()  # what it took counted then
            continue
        send(step)
        if told % STEP_RATE == 0:
            _describe(media, perception, send)
        told += 1
        if steps.taken == STEP_RATE:
            send(steps.report())
    if steps.taken:
        send(steps.report())
    _describe(media, perception, send)
    send(End())


def _open(
    feed: FeedReader, options: SessionOptions, resume: ResumePoint | None, send: Send
) -> MediaReader | FrameReader:
    live = Live(options.max_delay) if options.live else None
    if options.input == "container":
        return decode(
            ContainerSource(feed),
            options.limits,
            spool_dir=options.spool_dir,
            size=options.size,
            live=live,
            resume=resume,
        )

    def report(error: AttuneError) -> None:
        send(Notice(error.code, error.detail, error.sequence))

    return decode_frames(frame_messages(feed, report), options.limits, live=live, resume=resume, report=report)


def _describe(media: MediaReader | FrameReader, perception: Perception, send: Send) -> None:
    send(media.info)
    send(perception.frames)


def _fail(send: Send, error: AttuneError) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # the service may have given this session up meanwhile
        send(Failure(error.code, error.detail, error.sequence))
