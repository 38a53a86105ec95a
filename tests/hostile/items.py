"""One piece of hostile media, and what the service may make of it."""

from dataclasses import dataclass, field

OK = "ok"
"""The outcome of media that is measured."""

REFUSALS = frozenset(
    {
        *("unsupported_media", "empty_body", "media_unreadable", "media_truncated", "no_media"),
        *("frame_rate_too_high", "body_too_large", "media_too_long", "picture_too_large"),
    }
)
"""Codes with which media may be refused for what it is; a session gives the same ones."""

DAMAGED = REFUSALS - {"body_too_large", "unsupported_media"}
ANYTHING = REFUSALS | {OK}
"""For media of which a part may be good. Not among it: `worker_failed` and `internal_error`, which are our fault."""


@dataclass(frozen=True)
class Item:
    """Bytes to send, by whatever way."""

    kind: str
    """What is wrong with it, as a group: one of `hostile.corpus.KINDS`."""
    name: str
    """What is wrong with it, exactly; unique in its kind."""
    media: bytes = field(repr=False)
    """A recording; for `messages` the first picture of them alone."""
    outcomes: frozenset[str] = ANYTHING
    """Codes that the analysis may end with, `OK` among them if it may be measured."""
    content_type: str = "application/octet-stream"
    filename: str = "clip.bin"
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers of its upload; they are what is wrong, so that a session has nothing to do with it."""
    messages: tuple[bytes, ...] = field(default=(), repr=False)
    """The same as messages of `frames` input, where it is a picture or sound of such."""

    @property
    def title(self) -> str:
        """Kind and name."""
        return f"{self.kind}: {self.name}"
