import json
import os
from pathlib import Path

import pytest
from cli.conftest import MakePerson, MakeResult

from service.cli.outputs import error_line, line_file, result_line, whole_file, write_line
from service.errors import MediaTruncated
from service.timeline.models import AnalysisResult


def test_a_whole_file_appears_only_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_bytes(b"old")
    with whole_file(str(out)) as stream:
        stream.write(b"new")
        stream.flush()
        assert out.read_bytes() == b"old"
    assert out.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_an_interrupted_file_leaves_nothing_behind(tmp_path: Path, failure: type[BaseException]) -> None:
    def interrupted() -> None:
        with whole_file(str(tmp_path / "out.json")) as stream:
            stream.write(b"half")
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link_and_a_device_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with whole_file(str(tmp_path / "link")) as stream:
        stream.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"
    with whole_file("/dev/null") as stream:
        stream.write(b"x")
    assert Path("/dev/null").is_char_device()


def test_a_whole_file_honours_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with whole_file(str(tmp_path / "out.json")):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), whole_file(str(tmp_path)):
        pass


def test_lines_can_be_read_as_soon_as_they_are_written(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with line_file(str(out)) as stream:
        write_line(stream, b"{}")
        assert out.read_bytes() == b"{}\n"


def test_a_result_line_is_the_result_and_its_source(make_person: MakePerson, make_result: MakeResult) -> None:
    result = make_result(make_person())
    line = json.loads(result_line("clips/ä\udcff.mp4", result))
    assert line.pop("source") == "clips/ä\\udcff.mp4"
    assert AnalysisResult.model_validate(line) == result


def test_an_error_line_has_code_title_and_detail() -> None:
    assert json.loads(error_line("a.mp4", MediaTruncated("It ends early."))) == {
        "source": "a.mp4",
        "error": {"code": "media_truncated", "title": "Media is truncated", "detail": "It ends early."},
    }
