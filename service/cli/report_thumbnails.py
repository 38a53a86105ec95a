"""Small pictures of attended moments, from a second pass over the file. Nothing else of it is kept."""

import io
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.cli.report_moments import Moment
from service.domain import Media, Picture
from service.timeline.models import BoxModel

SIDE = 176
"""Pixels of a thumbnail's side; shown at half that for sharp screens."""

MARGIN = 0.3
"""Part of the face box's longer side that is shown around it on every side."""

Thumbnails = dict[tuple[int, int], bytes]
"""JPEG by (person, number of the moment)."""


def take_thumbnails(media: Iterable[Media], moments: Iterable[Moment]) -> Thumbnails:
    """Cut every moment's face out of the pictures of a file that is being read again, and stop after the last."""
    wanted: dict[int, list[Moment]] = defaultdict(list)
    for moment in moments:
        wanted[moment.step].append(moment)
    thumbnails: Thumbnails = {}
    if not wanted:
        return thumbnails
    last = max(wanted)
    for item in media:
        if not isinstance(item, Picture) or item.image is None:
            continue
        for moment in wanted.get(item.step, ()):
            thumbnails[moment.person, moment.number] = encode_jpeg(cut_face(item.image, moment.box))
        if item.step >= last:
            break
    return thumbnails


def cut_face(image: NDArray[np.uint8], box: BoxModel) -> Image.Image:
    """The square around a face, SIDE pixels wide; what lies beyond the picture's edge is black."""
    height, width = image.shape[:2]
    side = max(box.width * width, box.height * height) * (1 + 2 * MARGIN)
    # A box comes from a model: a square that cannot be cut must not stop the report or fill the memory.
    side = min(max(side, 8.0), 2.0 * max(width, height))
    left = (box.x + box.width / 2) * width - side / 2
    top = (box.y + box.height / 2) * height - side / 2
    square = (round(left), round(top), round(left + side), round(top + side))
    return Image.fromarray(image).crop(square).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def encode_jpeg(image: Image.Image) -> bytes:
    """JPEG without any metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=86, optimize=True)
    return buffer.getvalue()
