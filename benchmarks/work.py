"""The work of one analysis, call by call: what the floor has to do once more with the bare libraries."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple


class Picture(NamedTuple):
    """A picture is looked at; what follows, up to the next one, is about it."""

    step: int


class Look(NamedTuple):
    """One run of the detector's graph."""

    left: int
    top: int
    side: int
    """The square of the picture, in pixels; may reach beyond it."""
    input_side: int
    """What the graph gets of it."""


class Patch(NamedTuple):
    """A small grey patch around a face that is followed."""

    left: int
    top: int
    side: int
    """The square of the picture, in pixels; may reach beyond it."""
    patch_side: int


class Flow(NamedTuple):
    """The optical flow of some points from one patch to the next, and the motion that they share."""

    points: int


class Crop(NamedTuple):
    """One aligned crop: a patch of the picture, made grey, shrunk, turned upright."""

    left: int
    top: int
    width: int
    height: int
    shrunk_width: int
    shrunk_height: int
    matrix: list[list[float]]
    """[2][3], of the transform from the shrunk patch to the crop."""


class Encode(NamedTuple):
    """One run of the face encoder."""

    crops: int


class Advance(NamedTuple):
    """One run of the network that reads faces and sound."""

    people: int
    steps: int


Call = Picture | Look | Patch | Flow | Crop | Encode | Advance
_KINDS: dict[str, type[Call]] = {kind.__name__: kind for kind in (Picture, Look, Patch, Flow, Crop, Encode, Advance)}


class Work(list[Call]):
    """All calls of one analysis, in order."""

    def counts(self) -> dict[str, int]:
        """How much of everything: pictures, detections, faces followed, crops, crops encoded, steps of people."""
        number = Counter(type(call) for call in self)
        return {
            "pictures": number[Picture],
            "detections": number[Look],
            "followed": number[Flow],
            "crops": number[Crop],
            "crops_encoded": sum(call.crops for call in self if isinstance(call, Encode)),
            "steps": sum(call.people * call.steps for call in self if isinstance(call, Advance)),
        }

    def one_by_one(self) -> "Work":
        """The same work with every crop and every step in a run of its own, as a live session alone needs it."""
        return Work(single for call in self for single in _singles(call))

    def save(self, path: Path) -> None:
        """Write it, for `load`."""
        path.write_text(json.dumps([[type(call).__name__, *call] for call in self]))

    @classmethod
    def load(cls, path: Path) -> "Work":
        """Read what `save` wrote."""
        return cls(_KINDS[kind](*values) for kind, *values in json.loads(path.read_text()))


def _singles(call: Call) -> list[Call]:
    match call:
        case Encode(crops=count):
            return [Encode(1)] * count
        case Advance(people=people, steps=steps):
            return [Advance(people, 1)] * steps
    return [call]
