"""The Dockerfile as text; `make image-check` builds it and runs what comes out."""

import re
import subprocess
import sys
from pathlib import Path

from service import __version__
from service.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TEXT = DOCKERFILE.read_text()
INSTRUCTIONS = re.sub(r"(?m)^\s*#.*\n", "", TEXT).replace("\\\n", " ")


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, "--no-color", DOCKERFILE], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_both_images_bear_the_version_of_the_service() -> None:
    assert re.findall(r"(?m)^ARG VERSION=(.*)$", INSTRUCTIONS) == [__version__] * 2
    assert INSTRUCTIONS.count("image.version=$VERSION") == 2


def test_an_image_is_made_without_a_target_on_the_cpu() -> None:
    stages = re.findall(r"(?m)^FROM \S+ AS (\S+)$", INSTRUCTIONS)
    assert {"cpu", "gpu"} <= set(stages)
    assert stages[-1] == "cpu"


def test_the_base_is_pinned_and_no_registry_or_index_is_named() -> None:
    assert re.search(r"(?m)^ARG BASE=debian:bookworm-\d{8}-slim@sha256:[0-9a-f]{64}$", INSTRUCTIONS)
    assert re.findall(r"(?m)^FROM (\S+:\S*)", INSTRUCTIONS) == []
    assert not re.search(r"://|index-url", TEXT)


def test_every_variable_of_the_service_that_is_set_means_something() -> None:
    names = set(re.findall(r"\bATTUNE_([A-Z_]+)=", INSTRUCTIONS))
    assert names - {"CACHE"} <= {name.upper() for name in Settings.model_fields}
    assert "CACHE" in names


def test_what_is_copied_from_the_repository_is_there_and_is_not_ignored() -> None:
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source for sources in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", INSTRUCTIONS) for source in sources.split()
    }
    assert copied == shown
    assert all((ROOT / source).exists() for source in copied)
