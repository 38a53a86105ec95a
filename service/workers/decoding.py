"""One session inside a decoding process: bytes in from a socket, steps of perception out of it."""

import logging
import socket
from contextlib import suppress

from service.errors import AttuneError, WorkerFailed
from service.media import MediaReader, decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.representation import STEP_RATE
from service.workers.codec import End, Failure, Message, encode
from service.workers.detectors import DetectorPool
from service.workers.feed import OPTIONS, FeedReader
from service.workers.options import SessionOptions
from service.workers.sources import ContainerSource

_LOG = logging.getLogger(__name__)


def run_session(connection: socket.socket, detectors: DetectorPool[FaceDetector]) -> None:
    """Decode what arrives on `connection` to its end and send steps, media info and how it ended; then close it."""
    with connection:
        try:
            feed = FeedReader(connection)
            options = _options(feed)
            with (
                detectors.borrow() as detector,
                decode(ContainerSource(feed), options.limits, spool_dir=options.spool_dir, size=options.size) as media,
            ):
                _send_steps(connection, media, detector, options)
        except (BrokenPipeError, ConnectionResetError):
            return  # the service has given this session up
        except AttuneError as error:
            _send_failure(connection, error)
        except Exception:
            _LOG.exception("decoding failed unexpectedly")
            _send_failure(connection, WorkerFailed("The media made the decoder fail."))


def _options(feed: FeedReader) -> SessionOptions:
    frame = feed.next()
    if frame.kind != OPTIONS:
        raise ValueError(f"frame of kind {frame.kind} before the options")
    return SessionOptions.from_json(frame.payload)


def _send_steps(connection: socket.socket, media: MediaReader, detector: FaceDetector, options: SessionOptions) -> None:
    def send(message: Message) -> None:
        connection.sendall(encode(message))

    for step in perceive(media, detector, faces=options.faces):
        send(step)
        if step.index % STEP_RATE == 0:
            send(media.info)
    send(media.info)
    send(End())


def _send_failure(connection: socket.socket, error: AttuneError) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # the service may have given this session up meanwhile
        connection.sendall(encode(Failure(error.code, error.detail)))
