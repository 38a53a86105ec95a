"""The running service against its own OpenAPI document: whatever is asked, by the document or against it, is answered
as the document says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from api.harness import ENTRIES, KEYS, Running, run
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from scripts import openapi

OPERATIONS = [
    (method, path)
    for path, methods in json.loads(openapi.FILE.read_text())["paths"].items()
    for method in sorted(methods)
]
CASES = [
    (*operation, mode)
    for operation in OPERATIONS
    for mode in GenerationMode
    # Where nothing can be chosen nothing can be chosen wrongly.
    if mode is GenerationMode.POSITIVE or operation[1].startswith("/v1/")
]
BY_KEY = {"Authorization": f"Bearer {KEYS['web']}"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    """A service that asks for a key."""
    with run(workers=1, api_keys=ENTRIES) as service:
        yield service


@pytest.fixture(scope="module")
def described(guarded: Running) -> Any:
    """Its document, and where it listens."""
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{guarded.port}/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_what_is_asked_is_answered_as_the_document_says(
    guarded: Running, described: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation = described[path][method]
    # Of a recording the schema says that it is bytes: most bytes are none.
    excluded: list[Any] = [positive_data_acceptance] if path == "/v1/analyses" else []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=BY_KEY, excluded_checks=excluded)

    check()
    assert guarded.client.get("/health/ready").status_code == 200
