"""What is trained on and what is chosen on, where a data set does not say."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from model_export.datasets.clip import DatasetClip

_EVERY: Final = 5
"""One speaker in five is kept for validation."""


def with_splits(clips: Sequence[DatasetClip]) -> list[DatasetClip]:
    """`clips` in their own splits; where there are none, every fifth speaker is `val` and the others `train`.

    The choice depends on the names alone. Where speakers are unknown, or are too few to spare one, it is every fifth
    clip of each label: people may then be in both parts, and scores on such a `val` flatter.
    """
    speakers = sorted({clip.speaker for clip in clips if clip.split is None and clip.speaker is not None})
    held = set(speakers[_EVERY - 1 :: _EVERY])
    by_label: dict[str, list[DatasetClip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.key):
        if clip.split is None and (clip.speaker is None or not held):
            by_label[clip.label].append(clip)
    spared = {clip.key for some in by_label.values() for clip in some[_EVERY - 1 :: _EVERY]}
    return [
        clip
        if clip.split is not None
        else replace(clip, split="val" if clip.speaker in held or clip.key in spared else "train")
        for clip in clips
    ]
