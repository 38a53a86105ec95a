"""Make the page's sample clip from material that anybody may redistribute.

The picture is the NASA portrait of the astronaut Eileen Collins that scikit-image carries (public domain), seen by a
camera that pans, zooms and turns smoothly. The voice is espeak-ng reading sentences of our own. Needs scikit-image
(from the package index) and the command espeak-ng:

    python scripts/make_sample.py service/page/sample.mp4
"""

import argparse
import io
import math
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

DURATION = 10.0
FRAME_RATE = 25
WIDTH, HEIGHT = 640, 360
SAMPLE_RATE = 22_050  # what espeak-ng speaks at
SENTENCES = (  # seconds at which a sentence starts, sentence
    (1.0, "Attune watches a face and listens to a voice."),
    (5.0, "It tells which emotion they express, moment by moment."),
)


def camera(time: float) -> tuple[float, float, float, float]:
    """Centre x and y, width (all in pixels of the portrait) and tilt (radians) of what the camera shows."""
    phase = 2 * math.pi * time / DURATION
    width = 335 - 60 * math.cos(phase)
    x = 228 + 0.07 * width * math.sin(2 * phase)
    y = 0.29 * width + 24 + 6 * math.sin(3 * phase)
    return x, y, width, math.radians(2.5) * math.sin(phase + 0.6)


def picture(portrait: Image.Image, time: float) -> Image.Image:
    """What the camera shows at `time`; raises ValueError where it would look past the portrait's edge."""
    x, y, width, tilt = camera(time)
    scale = width / WIDTH
    cos, sin = scale * math.cos(tilt), scale * math.sin(tilt)
    left, top = x - cos * WIDTH / 2 + sin * HEIGHT / 2, y - sin * WIDTH / 2 - cos * HEIGHT / 2
    corners = [(left + cos * i - sin * j, top + sin * i + cos * j) for i in (0, WIDTH) for j in (0, HEIGHT)]
    if not all(0 <= cx <= portrait.width and 0 <= cy <= portrait.height for cx, cy in corners):
        raise ValueError(f"the camera looks past the portrait at {time:.2f} s: {corners}")
    return portrait.transform(
        (WIDTH, HEIGHT), Image.Transform.AFFINE, (cos, -sin, left, sin, cos, top), Image.Resampling.BICUBIC
    )


def voice() -> NDArray[np.int16]:
    """Mono sound of `DURATION` seconds at `SAMPLE_RATE`; raises ValueError where a sentence does not fit."""
    sound = np.zeros(round(DURATION * SAMPLE_RATE), np.int16)
    free = 0
    for start, sentence in SENTENCES:
        command = ["espeak-ng", "-v", "en-gb", "-s", "150", "--stdout", sentence]
        spoken = subprocess.run(command, check=True, capture_output=True).stdout
        with wave.open(io.BytesIO(spoken)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
                raise ValueError("espeak-ng did not answer 16-bit mono sound at 22,050 Hz")
            # espeak-ng announces 2 GB when it writes to a pipe; readframes answers what is there.
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        first = round(start * SAMPLE_RATE)
        if first < free or first + len(samples) > len(sound):
            raise ValueError(f"no room for the sentence at {start} s")
        free = first + len(samples)
        sound[first:free] = samples
    return sound


def write(path: Path) -> None:
    """Encode h264 and aac into an mp4 whose index comes first, so that it streams."""
    portrait = Image.fromarray(skimage.data.astronaut())
    sound = voice()
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "24", "preset": "slow"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 64_000
        per_frame = SAMPLE_RATE // FRAME_RATE
        for index in range(round(DURATION * FRAME_RATE)):
            shown = np.asarray(picture(portrait, index / FRAME_RATE))
            container.mux(video.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
            run = np.ascontiguousarray(sound[None, index * per_frame : (index + 1) * per_frame])
            heard = av.AudioFrame.from_ndarray(run, format="s16", layout="mono")
            heard.sample_rate, heard.pts = SAMPLE_RATE, index * per_frame
            container.mux(audio.encode(heard))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the mp4 to write")
    write(parser.parse_args().path)
    sys.stdout.write("written\n")
