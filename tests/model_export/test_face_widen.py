import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from model_export import face_widen  # noqa: E402
from model_export.face_network import FaceEncoder  # noqa: E402


def test_a_widened_encoder_answers_as_the_narrow_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_widen, "NOISE", 0.0)
    torch.manual_seed(0)
    narrow = FaceEncoder((4, 6, 8, 8))
    crops = torch.randint(0, 256, (16, 48, 48), dtype=torch.uint8)
    narrow(crops)  # moves the batch statistics away from where they began
    wide = face_widen.widen(narrow, (5, 12, 20, 9), 0.3, torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(wide.eval()(crops)[1], narrow.eval()(crops)[1], atol=1e-5, rtol=1e-4)
