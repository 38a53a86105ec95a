"""Where and how to begin again, as far as the media are concerned."""

from dataclasses import dataclass

from service.errors import MediaUnreadable


@dataclass(frozen=True, slots=True)
class Mark:
    """What must be read, and known, to give the media from some step on once more."""

    replay_from: int
    """Byte offset, or sequence number, from which media must be read again."""
    init_bytes: int
    """First bytes of the recording to be read before that; 0 for messages."""
    state: dict[str, object]
    """JSON, under 2 kB: the value of the key `media` in the state of a `ResumePoint`."""


def lost() -> MediaUnreadable:
    """The error for media that do not hold what the checkpoint names."""
    return MediaUnreadable("The media sent again are not those of the checkpoint.")
