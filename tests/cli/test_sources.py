import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cli.sources import (
    FileMissing,
    FileUnreadable,
    NotAFile,
    SourceFile,
    can_be_read_twice,
    open_source,
    printable,
)


def test_a_file_is_read_to_its_end_and_says_how_far(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"x" * 100)
    with open_source(str(file)) as source:
        assert source.share_read == 0.0
        assert source.read(60) == b"x" * 60
        assert source.share_read == pytest.approx(0.6)
        assert source.read(60) == b"x" * 40
        assert source.read(60) == b""
        assert source.share_read == 1.0


def test_the_size_of_a_file_is_known_and_that_of_a_pipe_is_not(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"x" * 100)
    with open_source(str(file)) as source:
        assert source.size == 100
    reader, writer = os.pipe()
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        assert SourceFile(pipe).size is None


def test_a_missing_file_has_its_code(tmp_path: Path) -> None:
    with pytest.raises(FileMissing), open_source(str(tmp_path / "none.mp4")):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(FileMissing), open_source(str(tmp_path / "file" / "below.mp4")):
        pass


def test_a_folder_has_its_code(tmp_path: Path) -> None:
    with pytest.raises(NotAFile), open_source(str(tmp_path)):
        pass


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_has_its_code(name: str) -> None:
    with pytest.raises(FileUnreadable), open_source(name):
        pass


@contextmanager
def _without_privileges() -> Iterator[None]:
    """Root may read everything, so be nobody meanwhile."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_without_permission_has_its_code(tmp_path: Path) -> None:
    file = tmp_path / "secret.mp4"
    file.touch(mode=0o000)
    with _without_privileges(), pytest.raises(FileUnreadable), open_source(str(file)):
        pass


def test_a_failure_while_reading_has_its_code() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as unreadable, pytest.raises(FileUnreadable):
        SourceFile(unreadable).read(1)


def test_a_pipe_has_no_known_length_and_is_read_once(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"abc")
    os.close(writer)
    try:
        with open_source(f"/dev/fd/{reader}") as source:
            assert source.share_read is None
            assert source.read(10) == b"abc"
        assert not can_be_read_twice(f"/dev/fd/{reader}")
    finally:
        os.close(reader)
    assert not can_be_read_twice("-")
    assert not can_be_read_twice(str(tmp_path))
    (tmp_path / "file").touch()
    assert can_be_read_twice(str(tmp_path / "file"))


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40))
def test_any_file_name_can_be_printed_on_one_line(name: bytes) -> None:
    shown = printable(os.fsdecode(name))
    shown.encode("utf-8")
    assert shown.isprintable()


def test_readable_names_stay_as_they_are() -> None:
    assert printable("Grüße 日本 [red].mp4") == "Grüße 日本 [red].mp4"
    assert printable("\x1b[31mred") == "\\x1b[31mred"
