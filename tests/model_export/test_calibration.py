"""Temperatures by what the evidence is."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from model_export import calibration  # noqa: E402
from model_export.calibration import PLACES, calibrate  # noqa: E402
from model_export.export import example_inputs  # noqa: E402
from model_export.fusion_network import FusionNetwork  # noqa: E402

PICTURES = PLACES[0]


def _kind(met: tuple[float, float], wrong: int, count: int = 40, certain: float = 4) -> list[Any]:
    """Sequences on which certain answers are `wrong` so many times of `count`."""
    rows = []
    for number in range(count):
        label = number % 7
        said = (label + 1) % 7 if number < wrong else label
        whole, logits = np.eye(7, dtype=np.float32)[label], certain * np.eye(7, dtype=np.float32)[said]
        evidence = np.ones(1, np.float32)
        rows.append(
            SimpleNamespace(
                whole=whole, logits=logits, met=np.array(met, np.float32), face_present=evidence, heard=evidence
            )
        )
    return rows


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        calibration,
        "predict",
        lambda _, rows: (np.stack([row.logits for row in rows]), np.array([row.met for row in rows])),
    )


@pytest.mark.parametrize("mistakes", [(1, 8, 20, 3), (8, 24, 2, 1), (3, 1, 22, 20)])
def test_each_kind_of_evidence_gets_the_temperature_of_its_own_mistakes(mistakes: tuple[int, ...]) -> None:
    kinds = [_kind(met, wrong) for met, wrong in zip(PLACES, mistakes, strict=True)]
    for temperature, wrong in zip(calibrate(FusionNetwork(16), kinds), mistakes, strict=True):
        certain = float(torch.softmax(4 / temperature * torch.eye(7)[0], dim=0)[0])
        assert certain == pytest.approx(1 - wrong / 40, abs=0.03)


def test_a_kind_that_is_not_there_is_no_hindrance() -> None:
    pictures, _, sound, _ = calibrate(FusionNetwork(16), [[], _kind(PICTURES, 8), []])
    assert float(torch.softmax(4 / pictures * torch.eye(7)[0], dim=0)[0]) == pytest.approx(0.8, abs=0.03)
    assert sound == pytest.approx(1, abs=0.05)


def test_sequences_without_evidence_count_for_nothing() -> None:
    empty = _kind(PICTURES, 40)
    for row in empty:
        row.face_present = row.heard = np.zeros(1, np.float32)
    with_them, without = (calibrate(FusionNetwork(16), [_kind(PICTURES, 8) + more]) for more in (empty, []))
    assert with_them == without
    with pytest.raises(ValueError, match="nothing to fit"):
        calibrate(FusionNetwork(16), [empty, []])


@pytest.mark.parametrize("certain", [0.01, 400])
def test_temperatures_stay_bounded_whatever_the_answers(certain: float) -> None:
    kinds = [_kind(met, wrong, certain=certain) for met, wrong in zip(PLACES, (0, 40, 20, 0), strict=True)]
    for temperature in calibrate(FusionNetwork(16), kinds):
        assert np.exp(-3.1) < temperature < np.exp(3.1)


def test_the_network_divides_its_logits_by_the_temperature_of_the_evidence() -> None:
    torch.manual_seed(0)
    network = FusionNetwork(16).eval()
    face, face_present, mel, sound_present, heard, *others = example_inputs(network, people=3, steps=20)
    face_present[0], heard[1] = 0, 0  # sound alone, pictures alone
    with torch.no_grad():
        plain = network.measure(face, face_present, mel, sound_present, heard, *others)
        network.cooling.copy_(torch.tensor([0.2, 1.0, -0.5, 0.4]))
        cooled = network.measure(face, face_present, mel, sound_present, heard, *others)
    assert torch.equal(plain.met[0, :, 0], plain.evidence[0].cumsum(dim=0))
    assert torch.equal(plain.met[1, :, 1], face_present[1].cumsum(dim=0))
    assert not plain.met[0, :, 1].any()
    assert not plain.met[1, :, 0].any()
    for row, coefficient in ((0, 0.7), (1, 0.2)):
        few = torch.exp(-plain.met[row, -1].sum() / 25)
        expected = torch.exp(coefficient + 0.4 * few)
        torch.testing.assert_close(cooled.overall[row, -1] * expected, plain.overall[row, -1])
