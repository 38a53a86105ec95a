"""Write the bill of materials of what runs, as CycloneDX JSON: the service, the packages that it needs as they are
installed here, what those carry of FFmpeg, and the files that it loads, with their hashes.

    python -m scripts.sbom FILE
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import av
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service.api.static import PAGE
from service.assets import face_detector_path
from service.engine.engine import WEIGHTS

PROJECT: Final = "attune"
EXTRAS: Final = ("otel",)
"""Those of the container images, beside the build of onnxruntime that is installed."""
BUILDS: Final = ("cpu", "gpu")
VERSION: Final = SchemaVersion.V1_6

_LICENSES: Final = LicenseFactory()


def build_installed() -> str:
    """The extra whose build of onnxruntime is here. Raises PackageNotFoundError without either."""
    for extra, package in zip(BUILDS, ("onnxruntime", "onnxruntime-gpu"), strict=True):
        try:
            distribution(package)
        except PackageNotFoundError:
            continue
        return extra
    raise PackageNotFoundError("onnxruntime")


def needs(name: str, extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """What a package requires on this machine, with these extras. Raises PackageNotFoundError."""
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def bill() -> Bom:
    """Everything that runs. Raises PackageNotFoundError where a package is missing, AssetMissing for the detector."""
    bom = Bom()
    root = _package(distribution(PROJECT), ComponentType.APPLICATION)
    bom.metadata.component = root
    made: dict[str, Component] = {}
    asked: set[Requirement] = set()
    _add(bom, root, needs(PROJECT, (build_installed(), *EXTRAS)), made, asked)
    ffmpeg = Component(
        type=ComponentType.LIBRARY,
        name="FFmpeg",
        version=av.ffmpeg_version_info,
        bom_ref=f"ffmpeg@{av.ffmpeg_version_info}",
        purl=PackageURL("generic", None, "ffmpeg", av.ffmpeg_version_info),
        cpe=f"cpe:2.3:a:ffmpeg:ffmpeg:{av.ffmpeg_version_info}:*:*:*:*:*:*:*",
        description="In the wheel of PyAV.",
    )
    bom.components.add(ffmpeg)
    bom.register_dependency(made["av"], [ffmpeg])
    files = [_file(path) for path in (face_detector_path(), *sorted(WEIGHTS.rglob("*.onnx")), PAGE / "sample.mp4")]
    bom.components.update(files)
    bom.register_dependency(root, files)
    return bom


def _add(
    bom: Bom,
    parent: Component,
    requirements: Iterable[Requirement],
    made: dict[str, Component],
    asked: set[Requirement],
) -> None:
    """Add what `parent` requires, and what that requires; `made` and `asked` are what was met before."""
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name not in made:
            made[name] = _package(distribution(name), ComponentType.LIBRARY)
            bom.components.add(made[name])
        bom.register_dependency(parent, [made[name]])
        if requirement not in asked:
            asked.add(requirement)
            _add(bom, made[name], needs(name, requirement.extras), made, asked)


def _package(found: Distribution, kind: ComponentType) -> Component:
    name = canonicalize_name(found.name)
    return Component(
        type=kind,
        name=found.name,
        version=found.version,
        bom_ref=f"{name}@{found.version}",
        purl=PackageURL("pypi", None, name, found.version),
        licenses=[_license(found)],
    )


def _license(found: Distribution) -> License:
    """What the package says of its licence, in the shortest form that it says it in."""
    expressions, texts, classifiers = (
        found.metadata.get_all(field) or [] for field in ("License-Expression", "License", "Classifier")
    )
    names = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    short = [text for text in (*expressions, *texts) if "\n" not in text.strip()]
    return _LICENSES.make_from_string(next(iter((*short, *names, "unknown"))))


def _file(path: Path) -> Component:
    own = path.is_relative_to(PAGE.parent)
    name = str(path.relative_to(PAGE.parent)) if own else path.name
    is_model = path.suffix in (".onnx", ".tflite")
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL if is_model else ComponentType.DATA,
        name=name,
        bom_ref=f"file:{name}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(path.read_bytes()).hexdigest())],
    )


def main(target: Path) -> None:
    """Write the bill to `target`."""
    target.write_text(make_outputter(bill(), OutputFormat.JSON, VERSION).output_as_string(indent=2) + "\n")
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
