"""The parts that need torch: bounds of the networks, parity with the exported files, and that training learns."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

import onnxruntime as ort  # noqa: E402

from model_export.export import Release, example_inputs, export_face_encoder, export_fusion  # noqa: E402
from model_export.face_augment import augment  # noqa: E402
from model_export.face_data import Faces  # noqa: E402
from model_export.face_network import ExportedFaceEncoder, FaceEncoder, multiply_adds  # noqa: E402
from model_export.fusion_data import INPUTS  # noqa: E402
from model_export.fusion_network import FusionNetwork  # noqa: E402
from model_export.train_faces import FaceRecipe, train_encoder  # noqa: E402

RELEASE = Release(version="test", training_data="none", uncertain_below=0.4)


def _run(path: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def test_the_face_encoder_stays_within_its_bounds() -> None:
    encoder = FaceEncoder()
    assert multiply_adds(encoder) <= 25_000_000
    assert 2 * sum(parameter.numel() for parameter in encoder.parameters()) <= 1_500_000


def test_the_exported_face_encoder_equals_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = FaceEncoder((8, 8, 16, 16)).eval()
    export_face_encoder(ExportedFaceEncoder(encoder, 2.0), tmp_path / "face.onnx", RELEASE)
    crops = torch.randint(0, 256, (5, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        embedding, logits = encoder(crops)
    found = _run(tmp_path / "face.onnx", {"crops": crops.numpy()})
    np.testing.assert_allclose(found["embedding"], embedding.numpy(), atol=1e-4)
    np.testing.assert_allclose(found["probabilities"], torch.softmax(logits / 2, dim=1).numpy(), atol=1e-4)


@pytest.mark.parametrize(("people", "steps"), [(1, 1), (3, 7), (2, 40)])
def test_the_exported_fusion_network_equals_the_network(tmp_path: Path, people: int, steps: int) -> None:
    torch.manual_seed(1)
    network = FusionNetwork(16).eval()
    export_fusion(network, tmp_path / "fusion.onnx", RELEASE)
    inputs = example_inputs(network, people=people, steps=steps)
    with torch.no_grad():
        wanted = network(*inputs)
        wanted = network(*inputs[:-1], wanted.next_state)  # from a state that is not zero
        again = network(*inputs).next_state
    names = (*INPUTS, "decay", "state")
    found = _run(
        tmp_path / "fusion.onnx",
        {name: value.numpy() for name, value in zip(names, (*inputs[:-1], again), strict=True)},
    )
    for name in wanted._fields:
        np.testing.assert_allclose(found[name], getattr(wanted, name).numpy(), atol=1e-4, err_msg=name)


def test_augmentation_keeps_shape_and_changes_every_picture() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 48, 48), dtype=torch.uint8)
    varied = augment(images, generator)
    assert varied.shape == images.shape
    assert varied.dtype == torch.uint8
    assert all((one != other).any() for one, other in zip(images, varied, strict=True))


def test_training_learns_to_tell_two_kinds_of_picture() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(192) % 2
    images = random.integers(100, 130, (192, 48, 48)).astype(np.uint8)
    images[labels == 1, 16:32, :] += 100  # a bright bar
    faces = Faces(images, np.eye(7, dtype=np.float32)[labels * 3])
    votes = np.zeros((192, 10), np.uint8)
    votes[:, 1] = 10
    recipe = FaceRecipe(widths=(8, 8, 16, 16), epochs=6, batch=32, averaging=0.5)
    encoder = train_encoder(faces, recipe, 0, (faces.take(np.arange(8)), votes[:8]))
    with torch.no_grad():
        answers = encoder(torch.from_numpy(images))[1].argmax(dim=1).numpy()
    assert (answers == labels * 3).mean() > 0.9


def test_the_same_seed_trains_the_same_network() -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 48, 48)).astype(np.uint8)
    faces = Faces(images, np.eye(7, dtype=np.float32)[np.arange(64) % 7])
    votes = np.full((64, 10), 0, np.uint8)
    votes[:, 0] = 10
    recipe = FaceRecipe(widths=(8, 8, 8, 8), epochs=1, batch=32)
    first, second = (train_encoder(faces, recipe, 5, (faces, votes)) for _ in range(2))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
