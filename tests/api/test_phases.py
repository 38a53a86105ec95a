"""What a client may say when: the state machine of docs/streaming.md against a pattern of whole sessions."""

import re

from hypothesis import given
from hypothesis import strategies as st

from service.api.stream.phases import Phase, advance
from service.errors import InvalidMessage
from service.protocol.messages import ClientMessage, KeepAlive, SessionClose, SessionResume, SessionUpdate

MESSAGES: dict[str, ClientMessage | bytes] = {
    "k": KeepAlive(),
    "u": SessionUpdate(),
    "r": SessionResume(token="t"),  # noqa: S106
    "b": b"media",
    "c": SessionClose(),
}
# Set up once or not at all, then media, then the end; keepalives anywhere.
ALLOWED = re.compile(r"k*([ur]k*)?(b[bk]*)?(ck*)?")


@given(st.text("kurbc", max_size=12))
def test_a_session_is_set_up_at_most_once_then_gets_media_then_ends_with_keepalives_anywhere(said: str) -> None:
    phase = Phase.OPEN
    for place, letter in enumerate(said, start=1):
        if ALLOWED.fullmatch(said[:place]):
            phase = advance(phase, MESSAGES[letter])
            continue
        try:
            advance(phase, MESSAGES[letter])
        except InvalidMessage:
            return
        raise AssertionError(f"{said[:place]} was let through")
    assert (phase is Phase.CLOSING) == ("c" in said)
