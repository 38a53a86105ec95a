"""Who speaks, and which emotion the speaker acts, by the file names of RAVDESS, SAVEE and EmoDB."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from service.representation import LABELS, Label

Corpus = Literal["ravdess", "savee", "emodb", "other"]

_RAVDESS: Final = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_SAVEE: Final = re.compile(r"(DC|JE|JK|KL)_(sa|su|a|d|f|h|n)\d\d")
_EMODB: Final = re.compile(r"(\d\d)[a-z]\d\d([WLEAFTN])[a-z]?")

RAVDESS_LABELS: Final[dict[str, Label | None]] = {
    "01": "neutral",
    "02": None,
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
"""By the third number of a name; 02 is calm, which is none of the seven."""

_SAVEE_LABELS: Final[dict[str, Label]] = {
    "a": "angry",
    "d": "disgust",
    "f": "fear",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprise",
}
_EMODB_LABELS: Final[dict[str, Label | None]] = {
    "W": "angry",
    "E": "disgust",
    "A": "fear",
    "F": "happy",
    "N": "neutral",
    "T": "sad",
    "L": None,
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording by its name."""

    corpus: Corpus
    speaker: str
    """Unique across corpora."""
    label: Label | None
    """None for calm and boredom, which are none of the seven."""


def read_name(path: Path) -> Utterance | None:
    """What the name of `path` says, or None where it follows no known scheme.

    A name of no corpus counts by its prefix up to the first underscore, where that is one of the seven labels.
    """
    stem = path.stem
    if match := _RAVDESS.fullmatch(stem):
        return Utterance("ravdess", f"ravdess-{match[7]}", RAVDESS_LABELS.get(match[3]))
    if match := _SAVEE.fullmatch(stem):
        return Utterance("savee", f"savee-{match[1]}", _SAVEE_LABELS[match[2]])
    if match := _EMODB.fullmatch(stem):
        return Utterance("emodb", f"emodb-{match[1]}", _EMODB_LABELS[match[2]])
    prefix = stem.split("_")[0]
    for label in LABELS:
        if prefix == label:
            return Utterance("other", "other", label)
    return None
