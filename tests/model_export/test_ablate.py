import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from model_export.ablate import VARIANTS, as_table, variant  # noqa: E402
from model_export.export import example_inputs  # noqa: E402
from model_export.fusion_network import FusionNetwork  # noqa: E402


@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_variant_answers_and_keeps_its_speech_encoder(name: str) -> None:
    speech = FusionNetwork(16)
    network = variant(name, speech, seed=0).train()
    assert not network.speech_encoder.training
    output = network(*example_inputs(network, people=2, steps=30))
    assert torch.isfinite(output.overall).all()
    torch.testing.assert_close(output.overall.sum(dim=2), torch.ones(2, 30))
    for one, other in zip(network.speech_encoder.parameters(), speech.speech_encoder.parameters(), strict=True):
        assert torch.equal(one, other)
        assert not one.requires_grad


def test_the_last_step_is_the_last_with_evidence() -> None:
    network = variant("last step", FusionNetwork(16), seed=0).eval()
    face, present, mel, sound, heard, baseline, decay, state = example_inputs(network, people=1, steps=20)
    present, heard = torch.zeros_like(present), torch.zeros_like(heard)
    present[:, 7] = 1
    with torch.no_grad():
        overall = network(face, present, mel, sound, heard, baseline, decay, state).overall[0]
    assert torch.equal(overall[7:], overall[7:8].expand(13, -1))


def test_the_table_has_a_row_for_each_variant() -> None:
    way = {"mean": 0.5, "interval": 0.02, "values": [0.5]}
    table = as_table({name: {"audio": way, "video": way, "both": way} for name in VARIANTS})
    assert table.count("50.0 ± 2.0%") == 15
