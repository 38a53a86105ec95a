import argparse
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.manifest import named_twice, read_manifest, shard


def test_each_line_is_an_input_whatever_bytes_it_is_made_of(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.txt"
    manifest.write_bytes(b"a b.mp4\n\n#c.mp4\r\n--d\n \xff.mp4\nlast")
    assert read_manifest(str(manifest)) == ["a b.mp4", "#c.mp4", "--d", " \udcff.mp4", "last"]


@given(st.lists(st.integers(), max_size=40), st.integers(1, 12))
def test_every_input_is_in_exactly_one_shard(inputs: list[int], count: int) -> None:
    shares = [inputs[shard(f"{index}/{count}")] for index in range(count)]
    assert sorted(chain(*shares)) == sorted(inputs)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(st.lists(st.integers(), max_size=40), st.lists(st.integers(), max_size=40), st.integers(1, 12))
def test_inputs_added_at_the_end_leave_the_others_in_their_shards(old: list[int], new: list[int], count: int) -> None:
    for index in range(count):
        share = shard(f"{index}/{count}")
        assert (old + new)[share][: len(old[share])] == old[share]


@pytest.mark.parametrize("text", ["", "1", "/", "1/", "/2", "2/2", "-1/2", "0/0", "a/2", "1/2/3", "0.5/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not I/N"):
        shard(text)


def test_a_name_that_is_there_twice_is_found_as_results_would_show_it() -> None:
    assert named_twice(["a", "b"]) is None
    assert named_twice([]) is None
    assert named_twice(["a", "b\n", "b\\n"]) == "b\\n"
