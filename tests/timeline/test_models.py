"""The result as a schema."""

from typing import Any

import pytest

from service.timeline import AnalysisResult

_SCHEMA = AnalysisResult.model_json_schema()
_MODELS: dict[str, Any] = {**_SCHEMA["$defs"], "AnalysisResult": _SCHEMA}


@pytest.mark.parametrize("model", sorted(name for name, schema in _MODELS.items() if "properties" in schema))
def test_every_field_is_described_and_always_there(model: str) -> None:
    schema = _MODELS[model]
    assert schema["description"]
    assert set(schema["required"]) == set(schema["properties"])
    for name, field in schema["properties"].items():
        assert field.get("description"), f"{model}.{name}"
