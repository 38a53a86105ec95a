"""Constants of the input representation: the contract between a model and the service.

`model_export` builds features with them and writes them into the metadata of every ONNX file; the service
compares that metadata with this module when it loads a model and refuses one that disagrees.
"""

from typing import Final, Literal, get_args

REPRESENTATION_VERSION: Final = 2
"""Raised whenever the meaning of an input changes without any constant below changing."""

Label = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]

LABELS: Final[tuple[Label, ...]] = get_args(Label)
"""The seven expressed emotions, always in this order."""

STEP_RATE: Final = 25
"""Steps of the model's grid per second of media; step k stands for the time k / STEP_RATE."""

SAMPLE_RATE: Final = 16_000
"""Samples per second of the mono sound that perception reads."""

SAMPLES_PER_STEP: Final = SAMPLE_RATE // STEP_RATE

MEL_BINS: Final = 64
"""Log-mel filters per sound frame."""

MEL_SHIFT: Final = 160
"""Samples between two log-mel frames (10 ms)."""

MEL_WINDOW: Final = 400
"""Samples under one log-mel frame (25 ms)."""

MELS_PER_STEP: Final = SAMPLES_PER_STEP // MEL_SHIFT
"""Log-mel frames that belong to one step."""

MEL_LEAD: Final = 960
"""Zero samples put before the first sample of a sound track. With them the frames 4k to 4k+3 of the padded
sound end 80 samples before the time of step k, so that no step ever hears its own future."""

WINDOW: Final = 25
"""Steps of sound (the newest included) over which one step aligns by soft attention: one second."""

CROP_SIZE: Final = 48
"""Side in pixels of an aligned grey face crop."""

LEFT_EYE: Final = (0.32, 0.39)
"""Where an aligned crop puts the eye on the picture's left, as (x, y) fractions of the crop: the median of FER2013."""

RIGHT_EYE: Final = (0.68, 0.39)
"""Where an aligned crop puts the eye on the picture's right, likewise."""

KEY_EVERY: Final = 10
"""Steps from one key picture to the next. On a key picture known faces are detected, and the picture is searched for
others; between them known faces are followed by their optical flow. A session goes on from key pictures alone."""

ABSENCE: Final = 2.0
"""Seconds of media time after which a stream that lags behind the other counts as absent until it returns,
and for which the last picture of a stalled video stands in for the next one."""

DEFAULT_HORIZON: Final = 2.0
"""Seconds after which a past step's weight in the timeline has fallen to 1/e, unless the caller asks for others."""

MIN_HORIZON: Final = 0.1
"""Seconds of the shortest horizon: below it, forgetting within one call of the network would leave fp32."""
