"""Everything that decoding loads when it is first needed, loaded while that is still allowed."""

import ast  # noqa: F401  (a traceback imports it)
import tokenize  # noqa: F401  (so does this)
import traceback
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import av
import cv2
import numpy as np
from PIL import TiffImagePlugin  # noqa: F401  (stills with EXIF import it)

from service.perception.detector import FaceDetector

_NOT_FOR_DECODING: Final = ("av.__main__", "av.datasets")


def warm(model: bytes) -> None:
    """Use once what reads files when it is first used; leaves no thread behind.

    These are the face detector, whose file has the content `model`, PyAV's modules for each kind of stream, OpenCV's
    threads and optimisations, numpy's Fourier transform, and what prints a traceback.
    """
    for module in walk_packages(av.__path__, "av."):
        if module.name not in _NOT_FOR_DECODING:
            import_module(module.name)
    cv2.setNumThreads(1)  # the cores are shared out among processes
    with FaceDetector(model) as detector:
        detector.detect(np.zeros((480, 640, 3), np.uint8))
    np.fft.rfft(np.zeros(8))
    try:
        raise ValueError
    except ValueError:
        traceback.format_exc()
