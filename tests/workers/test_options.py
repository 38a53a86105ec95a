"""What a session asks of a decoding process, there and back."""

from pathlib import Path

from service.media import MediaLimits
from service.workers import SessionOptions


def test_every_option_survives_the_way() -> None:
    plain = SessionOptions(MediaLimits(), "all", None)
    full = SessionOptions(
        MediaLimits(1, 2.5, 3, 4.5, 5),
        "largest",
        Path("/spool"),
        size=7,
        input="frames",
        live=True,
        max_delay=0.25,
        checkpoint_every=50,
    )
    for options in (plain, full):
        assert SessionOptions.from_json(options.to_json()) == options
