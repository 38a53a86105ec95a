"""That `make image-check` would see what is wrong with the contents of an image."""

from pathlib import Path

import pytest

from scripts.confined import Image
from scripts.image_check import Wrong, look_into

FILES = (
    "opt/attune/bin/attune",
    "opt/attune/share/face_detection_short_range.tflite",
    *(
        f"opt/attune/lib/python3.11/site-packages/service/{name}"
        for name in ("weights/face_encoder.onnx", "weights/fusion.onnx", "page/index.html")
    ),
)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """Files as a good image has them."""
    (tmp_path / "usr").mkdir()
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o644)
    return Image(tmp_path, {"User": "10001:10001"})


def test_a_good_image_passes(image: Image) -> None:
    look_into(image)


@pytest.mark.parametrize("name", FILES)
def test_what_the_service_needs_must_be_there(image: Image, name: str) -> None:
    (image.root / name).unlink()
    with pytest.raises(Wrong, match="absent"):
        look_into(image)


@pytest.mark.parametrize(
    "name",
    ["usr/bin/gcc", "usr/bin/pip3", "opt/attune/bin/pip", "root/.cache", "var/lib/apt/lists/a_b", "tmp/left", "src"],
)
def test_what_only_builds_must_not_be_there(image: Image, name: str) -> None:
    (image.root / name).mkdir(parents=True)
    with pytest.raises(Wrong, match="should not be there"):
        look_into(image)


def test_nothing_may_be_open_to_change(image: Image) -> None:
    (image.root / FILES[0]).chmod(0o666)
    with pytest.raises(Wrong, match="can be changed"):
        look_into(image)


@pytest.mark.parametrize("user", ["attune", "attune:attune", "10001"])
def test_user_and_group_must_be_numbers(tmp_path: Path, user: str) -> None:
    with pytest.raises(ValueError, match=r"values to unpack|invalid literal"):
        _ = Image(tmp_path, {"User": user}).user
