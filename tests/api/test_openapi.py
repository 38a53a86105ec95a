"""docs/openapi.json is what the service says of itself."""

from typing import Any

import pytest
from api.harness import Running
from openapi_spec_validator import validate

from scripts import openapi


def described(part: object, place: str = "") -> list[str]:
    """Places of fields that have no description, of their own or of the schema that they refer to."""
    found: list[str] = []
    if isinstance(part, dict):
        for name, field in part.get("properties", {}).items():
            if not {"description", "$ref"} & set(field) and "$ref" not in str(field.get("anyOf", "")):
                found.append(f"{place}.{name}")
        for key, value in part.items():
            found += described(value, f"{place}/{key}")
    return found


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document()


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_the_committed_document_is_the_services_own() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), "python scripts/openapi.py writes it anew"


def test_a_running_service_gives_the_same_document(running: Running, document: dict[str, Any]) -> None:
    assert running.client.get("/openapi.json").json() == document


def test_every_operation_under_v1_asks_for_a_key_and_says_how_it_refuses(document: dict[str, Any]) -> None:
    operations = [
        operation
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for operation in methods.values()
    ]
    assert len(operations) == 3
    [scheme] = document["components"]["securitySchemes"]
    for operation in operations:
        assert operation["security"] == [{scheme: []}]
        assert {"401", "403", "421", "429", "503"} <= set(operation["responses"])
        assert "`rate_limited`" in operation["responses"]["429"]["description"]


def test_every_field_is_described(document: dict[str, Any]) -> None:
    assert described(document["components"]["schemas"]) == []
