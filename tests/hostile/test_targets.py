"""The readers of foreign bytes, by inputs that are looked for (Atheris) and by ones that are made (hypothesis)."""

import os
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hostile.mutations import mutated
from hostile.originals import originals
from hostile.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import Box, Face, FrameCounts, MediaInfo, Step
from service.protocol.frames import FrameMessage, pack
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP
from service.workers.codec import End, Failure, encode

_ROOT = Path(__file__).parent.parent.parent
_SECONDS = 4
"""For which each target is fuzzed here."""

mutations = st.integers(0, 2**32).map(lambda seed: mutated(random.Random(seed)))  # noqa: S311


def said() -> bytes:
    """Something of everything that a decoding process says."""
    face = Face(1, Box(0.1, 0.1, 0.2, 0.2), np.zeros((CROP_SIZE, CROP_SIZE), np.uint8), 0.0)
    mel = np.zeros((MELS_PER_STEP, MEL_BINS), np.float32)
    step = Step(0, (face,), mel, True, 0.0, None)
    known = MediaInfo(1.0, 25, 64, 48, True, True)
    return b"".join(encode(message) for message in (step, known, FrameCounts(), Failure("no_media", "None."), End()))


def seeds(target: str) -> list[bytes]:
    """Good inputs to begin with."""
    match target:
        case "frame":
            return [pack(FrameMessage("picture", 1, 1, 0, b"x")), pack(FrameMessage("sound", 2, 2, 16_000, b"xy"))]
        case "codec":
            return [said()]
        case "multipart":
            return [b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nmedia\r\n--b--\r\n']
    return list(originals(0.3).values())


@pytest.mark.parametrize("target", TARGETS)
@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_are_understood_or_refused(target: str, data: bytes) -> None:
    TARGETS[target](data)
    for seed in seeds(target)[:2]:
        at = len(data) * 7 % len(seed)
        TARGETS[target](seed[:at] + data[:4] + seed[at:])


@pytest.mark.parametrize("target", ["demux", "walk"])
@settings(deadline=None, max_examples=60)
@given(data=mutations)
def test_changed_recordings_are_decoded_or_refused(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.skipif(find_spec("atheris") is None, reason="Atheris is built for Linux alone")
@pytest.mark.parametrize("target", TARGETS)
def test_no_input_that_is_looked_for_fails_otherwise(target: str, tmp_path: Path) -> None:
    begin, artifacts = tmp_path / "seeds", tmp_path / "artifacts"
    begin.mkdir()
    artifacts.mkdir()
    for number, seed in enumerate(seeds(target)):
        (begin / str(number)).write_bytes(seed)
    limits = [f"-max_total_time={_SECONDS}", "-timeout=30", "-rss_limit_mb=2048", "-max_len=8192", "-seed=1"]
    done = subprocess.run(
        [sys.executable, "-m", "hostile.looking", target, *limits, f"-artifact_prefix={artifacts}/", begin],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": "tests:."},
        capture_output=True,
        text=True,
        errors="replace",
    )
    found = [path.read_bytes()[:2000] for path in artifacts.iterdir()]
    assert done.returncode == 0, f"{done.stderr[-4000:]}\n{found}"
    assert "Done " in done.stderr
