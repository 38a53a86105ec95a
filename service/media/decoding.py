"""Decoding packets, with patience for damage that has a bound."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Generic, TypeVar, cast

import av
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from service.errors import MediaUnreadable
from service.media.container import DECODER_PIXELS

MAX_ERRORS = 600
"""Packets in a row that may fail to decode before the recording is given up: ten seconds of video at 60 per second.
A recording that was joined late, or lost data, decodes again from the next key frame on, seldom further away."""

FrameT = TypeVar("FrameT", VideoFrame, AudioFrame)


class Decoder(Generic[FrameT]):
    """One stream's decoder. One thread each: sessions run side by side, and results never depend on scheduling."""

    def __init__(self, stream: Stream) -> None:
        self._context = _prepared(stream.codec_context)
        self._failed = 0
        self.frames = 0
        """Frames decoded so far."""

    def decode(self, packet: "Packet[Stream] | None") -> list[FrameT]:
        """The frames that `packet` completes; None is the end of the stream and flushes.

        A damaged packet gives none. Raises `MediaUnreadable` after `MAX_ERRORS` of them in a row, or at the end if
        all were.
        """
        try:
            frames = cast(list[FrameT], self._context.decode(packet))  # type: ignore[attr-defined]
        except av.FFmpegError as error:
            if not isinstance(error, av.EOFError):
                self._failed += 1
            if self._failed >= MAX_ERRORS:
                raise self._unreadable() from error
            frames = []
        if frames:
            self._failed = 0
            self.frames += len(frames)
        if packet is None and self._failed and not self.frames:
            raise self._unreadable()
        return frames

    def renew(self, lead: "Iterable[Packet[Stream]]") -> None:
        """Go on with a fresh decoder, which has read only the packets `lead` of what came before."""
        fresh = CodecContext.create(self._context.codec.name, "r")
        fresh.extradata = self._context.extradata
        self._context = _prepared(fresh)
        for packet in lead:
            with suppress(av.FFmpegError):
                self._context.decode(packet)  # type: ignore[attr-defined]

    def _unreadable(self) -> MediaUnreadable:
        return MediaUnreadable(f"The {self._context.type} stream is damaged.")


def _prepared(context: CodecContext) -> CodecContext:
    context.thread_count = 1
    context.options = {"max_pixels": str(DECODER_PIXELS)}
    return context
