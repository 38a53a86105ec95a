"""Who speaks, and which emotion the speaker acts, by the file names of RAVDESS, SAVEE and EmoDB."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from service.representation import LABELS, Label

Corpus = Literal["ravdess", "savee", "emodb", "other"]
Gender = Literal["women", "men"]

_RAVDESS: Final = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_SAVEE: Final = re.compile(r"(DC|JE|JK|KL)_(sa|su|a|d|f|h|n)\d\d")
"""As published, SAVEE has the speaker as the folder and the rest as the name."""
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

_EMODB_WOMEN: Final = ("08", "09", "13", "14", "16")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording by its name."""

    corpus: Corpus
    speaker: str
    """Unique across corpora."""
    label: Label | None
    """None for calm and boredom, which are none of the seven."""
    gender: Gender | None = None
    """As the corpus tells it; None where it does not."""


def read_name(path: Path) -> Utterance | None:
    """What the name of `path` says, or None where it follows no known scheme.

    A name of no corpus counts by its prefix up to the first underscore, where that is one of the seven labels.
    """
    stem = path.stem
    if match := _RAVDESS.fullmatch(stem):
        gender: Gender = "women" if int(match[7]) % 2 == 0 else "men"
        return Utterance("ravdess", f"ravdess-{match[7]}", RAVDESS_LABELS.get(match[3]), gender)
    if match := _SAVEE.fullmatch(stem) or _SAVEE.fullmatch(f"{path.parent.name}_{stem}"):
        return Utterance("savee", f"savee-{match[1]}", _SAVEE_LABELS[match[2]], "men")
    if match := _EMODB.fullmatch(stem):
        gender = "women" if match[1] in _EMODB_WOMEN else "men"
        return Utterance("emodb", f"emodb-{match[1]}", _EMODB_LABELS[match[2]], gender)
    prefix = stem.split("_")[0].lower()
    for label in LABELS:
        if prefix == label:
            return Utterance("other", "other", label)
    return None
