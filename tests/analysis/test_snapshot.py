"""Named arrays as bytes and back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.analysis import snapshot
from service.analysis.snapshot import pack, prefixed, under, unpack


@st.composite
def _arrays(draw: st.DrawFn) -> NDArray[Any]:
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    kind = draw(st.sampled_from(["u1", "i4", "i8", "f4", "f8", ">f4"]))
    seed = draw(st.integers(0, 2**32))
    count = int(np.prod(shape, dtype=int)) * np.dtype(kind).itemsize
    return np.frombuffer(np.random.default_rng(seed).bytes(count), kind).reshape(shape)


@given(st.dictionaries(st.text(max_size=8), _arrays(), max_size=5))
def test_every_array_comes_back_with_every_bit(arrays: dict[str, NDArray[Any]]) -> None:
    found = unpack(pack(arrays))
    assert list(found) == list(arrays)
    for name, wanted in arrays.items():
        assert found[name].shape == wanted.shape
        assert found[name].dtype.isnative
        assert found[name].astype(wanted.dtype).tobytes() == wanted.tobytes()
        found[name].fill(0)  # nobody else's memory, and not read-only


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    old = pack({"a": np.zeros(3)})
    monkeypatch.setattr(snapshot, "VERSION", snapshot.VERSION + 1)
    with pytest.raises(ValueError, match="version"):
        unpack(old)


@given(st.integers(0, 10_000))
def test_part_of_a_snapshot_is_refused(length: int) -> None:
    whole = pack({"one": np.arange(20), "two": np.ones((3, 4), np.float32)})
    with pytest.raises(ValueError, match="snapshot"):
        unpack(whole[: length % len(whole)])


@pytest.mark.parametrize("text", [b"\x02\x00\x00\x00{}", b"\x04\x00\x00\x00null", b"\x01\x00\x00\x00\xff"])
def test_what_is_no_snapshot_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="snapshot"):
        unpack(text)


def test_arrays_of_parts_are_kept_apart() -> None:
    one, other = {"a": np.zeros(1)}, {"a": np.ones(1), "b.c": np.ones(2)}
    both = prefixed("one", one) | prefixed("one.more", {}) | prefixed("other", other)
    assert under("one", both) == one
    assert list(under("other", both)) == ["a", "b.c"]
