"""The header of `frames` input with every field out of range: each message is accounted for, and the next ones work."""

from collections import Counter

import pytest
from api.frames_input import STEP, talking_head
from api.harness import Running
from api.talking import talk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import InvalidFrame
from service.protocol.frames import HEADER, unpack
from service.protocol.messages import ErrorMessage, Measurement, SessionSummary

STEPS = 4
GOOD = talking_head(STEPS)
_FIELDS = {
    "kind": (0, 1, 2, 3, 127, 255),
    "reserved": (0, 0, 0, 1, 255),
    "rate": (0, 1, 7_999, 8_000, 16_000, 48_000, 48_001, 65_535),
    "sequence": (0, 1, 6, 7, 8, 9, 2**31, 2**32 - 1),
    "time": (0, 1, 3 * STEP, 4 * STEP, 10**9, 10**18, 2**63, 2**64 - 1),
}
_ALL = {"kind": 2**8, "reserved": 2**8, "rate": 2**16, "sequence": 2**32, "time": 2**64}
HEADERS = st.tuples(*(st.sampled_from(_FIELDS[name]) | st.integers(0, _ALL[name] - 1) for name in _FIELDS))
PAYLOADS = st.binary(max_size=40) | st.sampled_from([GOOD[0][HEADER.size :], GOOD[1][HEADER.size :], b"\xff\xd8\xff"])
MESSAGES = st.one_of(
    st.binary(min_size=1, max_size=HEADER.size - 1),
    st.tuples(HEADERS, PAYLOADS).map(lambda made: HEADER.pack(*made[0]) + made[1]),
)


@given(data=st.binary(max_size=80) | MESSAGES)
def test_a_header_is_read_or_refused_by_name(data: bytes) -> None:
    told: int | None = HEADER.unpack_from(data)[3] if len(data) >= HEADER.size else None
    try:
        message = unpack(data)
    except InvalidFrame as error:
        named = error.sequence
    else:
        named = message.sequence
        assert data.endswith(message.payload)
        assert message.kind == "picture" or 8_000 <= message.rate <= 48_000
    assert named == told


@pytest.mark.parametrize("late", ["wait", "drop"])
def test_whatever_a_header_says_the_session_accounts_for_it(running: Running, late: str) -> None:
    @given(said=st.lists(MESSAGES, min_size=1, max_size=6))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def check(said: list[bytes]) -> None:
        with talk(running) as session:
            session.say("session.update", input="frames", late=late, max_delay=60)
            session.send((*GOOD, *said))
            session.say("session.close")
            code = session.hear_out()
        told = Counter((error.code, error.fatal) for error in session.all(ErrorMessage))
        if code == 1000:
            assert {code for code, _ in told} <= {"invalid_frame", "out_of_order", "rate_limited"}
            assert not any(fatal for _, fatal in told)
            media = session.all(SessionSummary)[0].media
            assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())
            times = [one.time for one in session.all(Measurement)]
            assert times == sorted(set(times))
            assert media.measured >= STEPS - 1, "the last may give way to one at its time"
        else:
            assert (code, session.failure().code) in ((1009, "media_too_long"), (1009, "picture_too_large"))

    check()
