"""Whatever is sent, taken back and dropped, a process that takes over gets all that it needs, as it was sent before."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from api.frames_input import sound
from client.sessions import recording
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.domain import ResumePoint
from service.errors import WorkerFailed
from service.media import MediaLimits
from service.workers import SessionOptions, kept
from service.workers.kept import MEMORY_BYTES, KeptBody, KeptChunks, KeptMessages, Sent, kept_for

LIMIT = 4000
"""Bytes of live media, what each piece takes beside its own included."""
PIECE = 300
T = TypeVar("T")


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    """Live sessions that keep little, so that it is soon too little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "LIVE_BYTES", LIMIT)
        yield


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it gives, without waiting for anything."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it waits")


def at(position: int, head: int = 0) -> ResumePoint:
    return ResumePoint(0, position, head, b"")


class ChunksMachine(RuleBasedStateMachine):
    """What is kept of a live container, beside the plain bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.source = recording(50_000)
        self.kept = KeptChunks(None, renews=False)
        self.end = 0
        """How much was handed over."""
        self.next = 0
        """The byte that is to be sent next, once `head` is."""
        self.head = b""
        self.checkpoint: ResumePoint | None = None

    @precondition(lambda self: self.end + PIECE <= len(self.source))
    @rule(size=st.integers(1, PIECE))
    def append(self, size: int) -> None:
        at_once(self.kept.append(self.source[self.end : self.end + size], 1.0))
        self.end += size

    @rule()
    def take(self) -> None:
        sent = at_once(self.kept.take())
        if sent is None:
            assert not self.head
            assert self.next == self.end
        elif self.head:
            assert sent.data == self.head
            self.head = b""
        else:
            assert sent.data
            assert sent == Sent(self.source[self.next : self.next + len(sent.data)], 1.0)
            self.next += len(sent.data)

    @rule(share=st.floats(0, 1), head=st.integers(0, 50))
    def come_to_a_checkpoint(self, share: float, head: int) -> None:
        before = self.checkpoint.replay_from if self.checkpoint is not None else 0
        if self.next >= before:
            self.checkpoint = at(before + round(share * (self.next - before)), min(head, self.next))
            self.kept.forget(self.checkpoint)

    @rule()
    def rewind(self) -> None:
        if not self.kept.can_rewind(self.checkpoint):
            with pytest.raises(LookupError):
                self.kept.rewind(self.checkpoint)
            return
        begins_at = self.kept.rewind(self.checkpoint)
        place, head = (0, 0) if self.checkpoint is None else (self.checkpoint.replay_from, self.checkpoint.init_bytes)
        assert begins_at == place - head
        self.next, self.head = place, self.source[:head]

    @invariant()
    def what_was_sent_lately_can_be_sent_again(self) -> None:
        """Nothing is lost before the bound, whatever the sizes of the pieces."""
        begin = self.checkpoint.replay_from if self.checkpoint is not None else 0
        if not self.head and self.end - begin + 256 * (self.end - begin + PIECE) <= LIMIT:
            assert self.kept.can_rewind(self.checkpoint)


TestChunks = ChunksMachine.TestCase
TestChunks.settings = settings(max_examples=60, stateful_step_count=40)


@given(
    header=st.integers(0, 200),
    place=st.integers(0, 500),
    sizes=st.lists(st.integers(1, 100), min_size=1, max_size=8),
    share=st.floats(0, 1),
)
def test_a_session_that_began_at_a_checkpoint_goes_on_from_it_and_from_later_ones(
    header: int, place: int, sizes: list[int], share: float
) -> None:
    source = recording(5000)
    first = at(header + place, header)
    chunks = KeptChunks(first, renews=False)
    came = source[:header] + source[first.replay_from :]

    def drain() -> bytes:
        data = b""
        while (sent := at_once(chunks.take())) is not None:
            data += sent.data
        return data

    given_over = 0
    for size in sizes:
        at_once(chunks.append(came[given_over : given_over + size], 0.0))
        given_over += size
    assert drain() == came[:given_over]
    begins_at = chunks.rewind(first)
    assert drain() == came[:given_over]
    if given_over < header:
        return  # no process has come to where it could give a checkpoint
    assert begins_at == place
    later = at(first.replay_from + round(share * (given_over - header)), header)
    chunks.forget(later)
    assert chunks.rewind(later) == later.replay_from - header
    assert drain() == source[:header] + came[later.replay_from - place : given_over]


@given(
    # Few enough, with the noise, to stay within the bound on what is kept, which is for another test.
    gaps=st.lists(st.integers(1, 3), min_size=1, max_size=6),
    noise=st.sets(st.integers(0, 5)),
    taken=st.integers(0, 20),
    share=st.floats(0, 0.99),
)
def test_messages_are_sent_again_whole_from_the_one_that_a_checkpoint_names(
    gaps: list[int], noise: set[int], taken: int, share: float
) -> None:
    messages = KeptMessages(renews=False)
    numbers: list[int] = []
    all_of_them: list[bytes] = []
    for index, gap in enumerate(gaps):
        numbers.append((numbers[-1] if numbers else -1) + gap)
        if index in noise:
            all_of_them.append(b"no message")
        # A sound that is short: the bound is for another test.
        all_of_them.append(sound(numbers[-1], 0)[:18])
    for message in all_of_them:
        at_once(messages.append(message, 0.0))
    for _ in range(taken):
        at_once(messages.take())
    number = numbers[round(share * (len(numbers) - 1))]
    place = all_of_them.index(sound(number, 0)[:18])
    messages.forget(at(number))
    assert messages.can_rewind(at(number))
    assert messages.rewind(at(number)) == place
    assert [sent.data for _ in all_of_them[place:] if (sent := at_once(messages.take()))] == all_of_them[place:]
    assert at_once(messages.take()) is None


def test_a_message_that_never_came_cannot_be_gone_on_from() -> None:
    messages = KeptMessages(renews=False)
    at_once(messages.append(sound(3, 0), 0.0))
    assert not messages.can_rewind(at(4))
    with pytest.raises(LookupError):
        messages.rewind(at(4))


@pytest.mark.parametrize("kind", [KeptChunks, KeptMessages])
def test_what_is_kept_of_live_media_is_bounded_and_what_fell_out_is_not_sent_again(
    kind: type[KeptChunks | KeptMessages],
) -> None:
    media = KeptChunks(None, renews=False) if kind is KeptChunks else KeptMessages(renews=False)
    message = sound(0, 0)
    for _ in range(2 * LIMIT // len(message)):
        at_once(media.append(message, 0.0))
        assert at_once(media.take()) is not None
    assert not media.can_rewind(None)
    with pytest.raises(LookupError):
        media.rewind(None)


@pytest.mark.parametrize("kind", ["container", "frames"])
def test_media_that_are_sent_again_are_as_late_as_they_were_unless_lateness_drops_them(kind: str) -> None:
    for max_delay, is_renewed in ((None, False), (0.5, True)):
        options = SessionOptions(MediaLimits(), "all", None, input=kind, live=True, max_delay=max_delay)  # type: ignore[arg-type]
        media = kept_for(options, None)
        at_once(media.append(sound(0, 0), 5.0))
        assert at_once(media.take()) == Sent(sound(0, 0), 5.0)
        media.rewind(None)
        at_once(media.append(sound(1, 1), 6.0))
        again, new = at_once(media.take()), at_once(media.take())
        assert again is not None
        assert (again.arrived != 5.0) == is_renewed
        assert new == Sent(sound(1, 1), 6.0)


def body(folder: Path | None = None, spare_bytes: int = 0) -> KeptBody:
    return KeptBody(folder, spare_bytes)


async def drain(upload: KeptBody) -> list[bytes]:
    pieces = []
    while (sent := await upload.take()) is not None:
        pieces.append(sent.data)
    return pieces


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, MEMORY_BYTES // 3), min_size=1, max_size=8), breaks=st.sets(st.integers(0, 7)))
def test_an_upload_is_sent_again_from_its_first_byte_in_the_same_pieces(sizes: list[int], breaks: set[int]) -> None:
    async def work() -> None:
        upload = body()
        pieces = [bytes([index]) * size for index, size in enumerate(sizes)]
        came: list[bytes] = []
        for index, piece in enumerate(pieces):
            await upload.append(piece, 0.0)
            came.append(piece)
            if index in breaks:
                assert upload.can_rewind(None)
                assert upload.rewind(None) == 0
                assert await drain(upload) == came
            else:
                assert await drain(upload) == [piece]
        upload.close()

    asyncio.run(work())


def names_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def test_a_large_upload_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    async def work() -> None:
        upload = body(tmp_path)
        for _ in range(3):
            await upload.append(bytes(MEMORY_BYTES // 2), 0.0)
            await upload.take()
        assert names_in(tmp_path) == []
        assert upload.rewind(None) == 0
        assert b"".join(await drain(upload)) == bytes(3 * (MEMORY_BYTES // 2))
        upload.close()
        assert not upload.can_rewind(None)

    asyncio.run(work())


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of its own of `size` bytes in memory. Skips where the user may not mount one here."""
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may mount nothing")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def assert_it_goes_on_but_cannot_be_repeated(upload: KeptBody) -> None:
    piece = bytes(MEMORY_BYTES // 2)
    for _ in range(5):
        await upload.append(piece, 0.0)
        assert await upload.take() == Sent(piece, 0.0)
    assert not upload.can_rewind(None)
    with pytest.raises(LookupError):
        upload.rewind(None)


@pytest.mark.parametrize("spare_bytes", [0, 2**40])
def test_a_full_disk_ends_replayability_not_the_upload(tmp_path: Path, spare_bytes: int) -> None:
    """Whether it is really full, or only what decoding may need is left."""

    async def work(folder: Path) -> None:
        upload = body(folder, spare_bytes)
        await assert_it_goes_on_but_cannot_be_repeated(upload)
        assert shutil.disk_usage(folder).used == 0, "what was written is given back"
        upload.close()

    with disk(tmp_path, 3 * MEMORY_BYTES // 2) as folder:
        asyncio.run(work(folder))


def test_a_folder_that_cannot_be_written_to_ends_replayability_not_the_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    upload = body(tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    asyncio.run(assert_it_goes_on_but_cannot_be_repeated(upload))


def test_an_upload_that_was_lost_while_it_is_sent_again_fails_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        upload = body(tmp_path)
        for _ in range(2):
            await upload.append(bytes(MEMORY_BYTES // 2), 0.0)
            await upload.take()
        upload.rewind(None)
        monkeypatch.setattr(KeptBody, "_has_room", lambda *_: False)
        await upload.append(b"one more", 0.0)
        with pytest.raises(WorkerFailed, match="no room to keep it"):
            await upload.take()

    asyncio.run(work())
