"""What a model file says of itself."""

import json

import pytest

from service.engine.metadata import PREFIX, expected, read_metadata
from service.errors import ModelMismatch


def _properties() -> dict[str, str]:
    own = {
        "name": "attune",
        "version": "3",
        "role": "fusion",
        "embedding_size": 128,
        "state_size": 4000,
        "sound_state_size": 2000,
        "uncertain_below": 0.4,
        "training_data": "RAVDESS",
        "licence": "non-commercial research",
    }
    return {
        PREFIX + key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (expected() | own).items()
    }


def test_a_file_that_agrees_is_read() -> None:
    metadata = read_metadata(_properties(), role="fusion", file="fusion.onnx")
    assert (metadata.name, metadata.version, metadata.state_size) == ("attune", "3", 4000)
    assert metadata.uncertain_below == pytest.approx(0.4)


@pytest.mark.parametrize("key", sorted(expected()))
def test_a_file_that_disagrees_on_any_constant_is_refused_by_name(key: str) -> None:
    properties = _properties() | {PREFIX + key: json.dumps("something else")}
    with pytest.raises(ModelMismatch, match=PREFIX + key):
        read_metadata(properties, role="fusion", file="fusion.onnx")


@pytest.mark.parametrize("key", sorted(_properties()))
def test_a_file_that_lacks_any_key_is_refused(key: str) -> None:
    properties = _properties()
    del properties[key]
    with pytest.raises(ModelMismatch):
        read_metadata(properties, role="fusion", file="fusion.onnx")


def test_a_file_in_the_other_role_is_refused() -> None:
    with pytest.raises(ModelMismatch, match="face_encoder"):
        read_metadata(_properties(), role="face_encoder", file="face_encoder.onnx")
