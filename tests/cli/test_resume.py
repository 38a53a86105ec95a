"""A file of results that was left in the middle of anything is gone on with, and nothing that was done is lost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cli.conftest import MakeResult
from hypothesis import given
from hypothesis import strategies as st

from service.cli.outputs import OutputFailed, error_line, line_file, line_head, result_line, write_line
from service.cli.resume import announce, remaining, settle
from service.errors import MediaTruncated
from service.timeline.models import AnalysisResult

FILES = ["a.mp4", 'b"\\.mp4', "c\n.mp4", "d\udcff.mp4", "é.mp4"]
SOURCES = ["a.mp4", 'b"\\.mp4', "c\\n.mp4", "d\\udcff.mp4", "é.mp4"]


@pytest.fixture(scope="module")
def result(make_result: MakeResult) -> AnalysisResult:
    """Of nobody: what is in a result is no matter here."""
    return make_result()


@contextmanager
def _results(*lines: bytes) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "out.jsonl"
        file.write_bytes(b"".join(lines))
        yield str(file)
        assert list(Path(folder).iterdir()) == [file], "nothing is left behind"


def _error(source: str) -> bytes:
    return error_line(source, MediaTruncated("It ends early.")) + b"\n"


def _read(name: str) -> list[dict[str, object]]:
    data = Path(name).read_bytes()
    assert not data or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


@given(st.lists(st.tuples(st.integers(0, len(FILES) - 1), st.booleans()), max_size=12), st.data())
def test_wherever_a_file_was_cut_off_each_input_keeps_its_latest_whole_line(
    result: AnalysisResult, runs: list[tuple[int, bool]], data: st.DataObject
) -> None:
    lines = [result_line(FILES[i], result) + b"\n" if done else _error(FILES[i]) for i, done in runs]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    standing: dict[str, str] = {}
    end = 0
    for (i, done), line in zip(runs, lines, strict=True):
        begin, end = end, end + len(line)
        if end > cut:
            begun = cut - begin >= len(line_head(FILES[i]))
            if begun:
                standing.pop(SOURCES[i], None)
                standing[SOURCES[i]] = "interrupted"
            break
        standing.pop(SOURCES[i], None)
        standing[SOURCES[i]] = "" if done else "media_truncated"
    with _results(whole[:cut]) as name:
        found = settle(name)
        assert found.done == {source for source, code in standing.items() if not code}
        assert list(found.failed) == [source for source, code in standing.items() if code]
        codes = {line["source"]: line.get("error", {"code": ""})["code"] for line in _read(name)}  # type: ignore[index]
        assert list(codes.items()) == list(standing.items())
        settled = Path(name).read_bytes()
        assert settle(name) == found
        assert Path(name).read_bytes() == settled, "what is in order stays as it is"
        todo = remaining(FILES, name)
    assert sorted(todo) == sorted(set(FILES) - {FILES[SOURCES.index(source)] for source in found.done})
    assert [FILES[SOURCES.index(source)] for source in found.failed] == todo[len(todo) - len(found.failed) :]


def test_one_that_kills_its_process_every_time_holds_up_nobody(result: AnalysisResult) -> None:
    deadly = {FILES[1], FILES[3]}
    with _results() as name:
        deaths = 0
        while set(todo := remaining(FILES, name)) > deadly:
            with line_file(name, append=True) as stream:
                for file in todo:
                    head = announce(stream, file)
                    if file in deadly:
                        deaths += 1
                        break
                    write_line(stream, result_line(file, result).removeprefix(head))
        assert deaths == 3, "one each, and one again, behind what had not been tried"
        assert set(todo) == deadly
        assert settle(name).done == {SOURCES[i] for i in (0, 2, 4)}
        assert {line["error"]["code"] for line in _read(name) if "error" in line} == {"interrupted"}  # type: ignore[index]


def test_a_process_that_lives_on_spoils_nothing(result: AnalysisResult) -> None:
    with _results() as name, line_file(name, append=True) as lost:
        head = announce(lost, FILES[0])
        assert remaining(FILES, name)[-1] == FILES[0]
        with line_file(name, append=True) as stream:
            write_line(stream, result_line(FILES[1], result))
            write_line(lost, result_line(FILES[0], result).removeprefix(head))
        assert [line["source"] for line in _read(name)] == [SOURCES[0], SOURCES[1]]
        assert settle(name).failed == (SOURCES[0],)


def test_without_a_file_everything_remains(tmp_path: Path) -> None:
    assert remaining(FILES, str(tmp_path / "none.jsonl")) == FILES
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_batch_is_refused_and_stays_as_it_is(result: AnalysisResult) -> None:
    lines = result_line("a.mp4", result) + b"\n" + _error("x.mp4")
    with _results(lines) as name:
        with pytest.raises(OutputFailed, match=r"holds x\.mp4, which is not among the inputs"):
            remaining(FILES, name)
        assert Path(name).read_bytes() == lines


@pytest.mark.parametrize("foreign", [b"\n", b"{}\n", b'{"source": "spaced"}\n', b"text\n", b"\x00\xff\n"])
def test_a_file_of_something_else_is_refused_and_stays_as_it_is(foreign: bytes) -> None:
    with _results(_error("a.mp4"), foreign) as name:
        with pytest.raises(OutputFailed, match=r"Line 2 of .* is no result"):
            settle(name)
        assert Path(name).read_bytes() == _error("a.mp4") + foreign
