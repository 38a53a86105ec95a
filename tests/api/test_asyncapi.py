"""docs/asyncapi.yaml repeats the messages of the protocol exactly, and hangs together."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from api.asyncapi import FILE, document, kind_of, messages_of

from service.protocol.messages import ClientMessage, ServerMessage


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The document in the repository."""
    loaded = yaml.safe_load(FILE.read_text())
    assert isinstance(loaded, dict)
    return loaded


def references(part: object) -> Iterator[str]:
    """Every $ref."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_document_is_what_the_messages_make_of_it(written: dict[str, Any]) -> None:
    assert written == document(), "python tests/api/asyncapi.py writes it anew"


def test_every_reference_leads_somewhere_and_every_schema_is_used(written: dict[str, Any]) -> None:
    found = set(references(written))
    for reference in found:
        place: Any = written
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    schemas = {f"#/components/schemas/{name}" for name in written["components"]["schemas"]}
    assert schemas <= found


def test_each_side_says_all_of_its_messages_and_no_others(written: dict[str, Any]) -> None:
    def said(operation: str) -> set[str]:
        names = {reference["$ref"].rsplit("/", 1)[1] for reference in written["operations"][operation]["messages"]}
        return names - {"media.chunk", "media.frame"}

    assert said("hear") == {kind_of(model) for model in messages_of(ClientMessage)}
    assert said("tell") == {kind_of(model) for model in messages_of(ServerMessage)}
    assert len(said("hear")) >= 4
    assert len(said("tell")) >= 11


def test_every_field_of_every_message_is_described(written: dict[str, Any]) -> None:
    for name, schema in written["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, told in schema["properties"].items():
            assert field == "type" or "description" in told or "$ref" in told, f"{name}.{field}"
