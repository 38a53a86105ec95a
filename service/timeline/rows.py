"""Long lists of a result, made of columns row by row, so that a long recording's result takes little memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

from pydantic import (
    GetCoreSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")


class Rows(Sequence[T]):
    """A sequence whose items are made each time that they are looked at."""

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        """`make` gives the item of a place from 0 to `count - 1`."""
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._make(place) for place in range(self._count)[index]]
        return self._make(range(self._count)[index])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class ByRow:
    """Annotates a field that takes rows without making any, and writes them into JSON one by one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        serialisation = core_schema.wrap_serializer_function_ser_schema(_dump, info_arg=True, schema=schema)
        return core_schema.no_info_wrap_validator_function(_take, schema, serialization=serialisation)


BY_ROW: Final = ByRow()


def _take(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, Rows) else validate(value)


def _dump(rows: Sequence[Any], serialise: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    return (row for row in rows) if info.mode == "json" else serialise(list(rows))
