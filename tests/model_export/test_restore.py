"""The shipped network as parameters again."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from torch import Tensor  # noqa: E402

from model_export.export import Release, example_inputs, export_fusion  # noqa: E402
from model_export.fusion_data import INPUTS  # noqa: E402
from model_export.fusion_network import FusionNetwork  # noqa: E402
from model_export.restore import restore_fusion  # noqa: E402
from service.engine import Engine, FusionInputs  # noqa: E402
from service.engine.engine import WEIGHTS  # noqa: E402
from service.errors import ModelMismatch  # noqa: E402

RELEASE = Release(version="test", training_data="none", uncertain_below=0.4)


def _inputs(network: FusionNetwork) -> tuple[Tensor, ...]:
    """A second of three people who are known already."""
    torch.manual_seed(3)
    inputs = example_inputs(network, people=3, steps=25)
    with torch.no_grad():
        return (*inputs[:-1], network(*inputs).next_state)


def test_the_restored_network_answers_as_the_shipped_file_does(engine: Engine) -> None:
    network = restore_fusion(WEIGHTS / "fusion.onnx")
    inputs = _inputs(network)
    *evidence, state = (value.numpy() for value in inputs)
    found = engine.advance(
        FusionInputs(**dict(zip((*INPUTS, "decay"), evidence, strict=True)), state=engine.load_state(state))
    )
    with torch.no_grad():
        wanted = network(*inputs)
    for name in ("probabilities", "overall", "scores", "alignment"):
        np.testing.assert_allclose(getattr(wanted, name).numpy(), getattr(found, name), atol=1e-5, err_msg=name)
    # Long sums are in the state; rounding is measured against the largest of them.
    state = found.next_state.read()
    np.testing.assert_allclose(wanted.next_state.numpy(), state, atol=1e-6 * np.abs(state).max())


def test_a_restored_network_exports_to_the_same_file_again(tmp_path: Path) -> None:
    network = restore_fusion(WEIGHTS / "fusion.onnx")
    export_fusion(network, tmp_path / "fusion.onnx", RELEASE)
    again = restore_fusion(tmp_path / "fusion.onnx")
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_normalisation_that_has_learnt_is_part_of_what_is_restored(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = FusionNetwork(16)
    for parameter in network.parameters():  # as training does: the exporter joins parameters that are equal
        torch.nn.init.normal_(parameter, std=0.1)
    network.cooling.copy_(torch.tensor([0.3, -0.2, 0.4, 0.1]))
    network.train()
    for _ in range(3):  # moves the batch statistics away from where they began
        network(*example_inputs(network, people=4, steps=9))
    export_fusion(network, tmp_path / "fusion.onnx", RELEASE)
    restored = restore_fusion(tmp_path / "fusion.onnx")
    assert not any(isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d) for module in restored.modules())
    assert torch.equal(restored.cooling, network.cooling)
    inputs = _inputs(network.eval())
    with torch.no_grad():
        for one, other in zip(restored(*inputs), network(*inputs), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_another_network_is_refused(tmp_path: Path) -> None:
    export_fusion(FusionNetwork(16, hidden=40), tmp_path / "fusion.onnx", RELEASE)
    with pytest.raises(ValueError, match=r"fusion\.onnx was not made from the network of this version"):
        restore_fusion(tmp_path / "fusion.onnx")
    with pytest.raises(ModelMismatch):
        restore_fusion(WEIGHTS / "face_encoder.onnx")
