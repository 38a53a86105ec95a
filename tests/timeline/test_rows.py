"""Rows are a list to whoever looks, and are made only then."""

import tracemalloc
import warnings
from collections.abc import Sequence
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from service.timeline.rows import BY_ROW, Rows


class Item(BaseModel):
    number: int


class Listing(BaseModel):
    items: Annotated[Sequence[Item | None], BY_ROW]


class Plain(BaseModel):
    items: Sequence[Item | None]


def item(place: int) -> Item | None:
    return Item(number=place) if place % 3 else None


@given(
    count=st.integers(0, 20), start=st.integers(-25, 25), stop=st.integers(-25, 25), step=st.sampled_from([-2, 1, 3])
)
def test_they_are_the_list_of_their_items(count: int, start: int, stop: int, step: int) -> None:
    rows, wanted = Rows(count, item), [item(place) for place in range(count)]
    assert list(rows) == wanted == rows
    assert rows[start:stop:step] == wanted[start:stop:step]
    if -count <= start < count:
        assert rows[start] == wanted[start]
    else:
        with pytest.raises(IndexError):
            rows[start]
    assert rows != [*wanted, None]


@given(count=st.integers(0, 5))
def test_a_model_tells_them_as_it_tells_a_list(count: int) -> None:
    rows, plain = Rows(count, item), [item(place) for place in range(count)]
    listing = Listing(items=rows)
    assert listing.items is rows
    assert listing.model_dump_json() == Plain(items=plain).model_dump_json()
    assert listing.model_dump() == listing.model_dump(mode="json") == Plain(items=plain).model_dump()
    assert Listing.model_validate_json(listing.model_dump_json()) == listing


def test_its_schema_is_that_of_a_list() -> None:
    for mode in ("validation", "serialization"):
        one, other = Listing.model_json_schema(mode=mode), Plain.model_json_schema(mode=mode)
        assert one["properties"] == other["properties"]


def test_what_is_no_rows_is_validated() -> None:
    assert Listing.model_validate({"items": [{"number": 1}]}).items == [Item(number=1)]
    with pytest.raises(ValidationError):
        Listing.model_validate({"items": [{"number": "one"}]})


def test_writing_many_takes_hardly_more_memory_than_the_text() -> None:
    listing = Listing(items=Rows(20_000, item))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracemalloc.start()
        text = listing.model_dump_json()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2.5 * len(text) + 100_000
