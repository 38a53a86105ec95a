"""How failures of sessions are told."""

import pytest

from service import errors
from service.api.stream.closing import close_code, error_message, leaving
from service.errors import AttuneError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnsupportedMedia, 1003),
        (errors.MediaUnreadable, 1003),
        (errors.NoMedia, 1003),
        (errors.InvalidMessage, 1008),
        (errors.IdleTimeout, 1008),
        (errors.SlowClient, 1008),
        (errors.TokenInvalid, 1008),
        (errors.TokenExpired, 1008),
        (errors.TokenForeignModel, 1008),
        (errors.MessageTooLarge, 1009),
        (errors.MediaTooLong, 1009),
        (errors.TooManyPeople, 1009),
        (errors.InternalError, 1011),
        (errors.WorkerFailed, 1011),
        (errors.Draining, 1012),
        (errors.Busy, 1013),
        (errors.Unavailable, 1013),
    ],
)
def test_the_code_follows_the_kind_of_failure(error: type[AttuneError], code: int) -> None:
    assert close_code(error("why")) == code


def test_every_error_has_a_code_of_the_protocol() -> None:
    codes = {close_code(error("why")) for error in AttuneError.__subclasses__()}
    assert codes <= {1003, 1008, 1009, 1011, 1012, 1013}


def test_a_failure_that_may_pass_says_when_to_come_back_and_no_other_does() -> None:
    assert error_message(errors.Busy("why", retry_after=7), fatal=True).retry_after == 7
    assert error_message(leaving(), fatal=True).retry_after == 0
    assert error_message(errors.Unavailable("why"), fatal=True).retry_after is not None
    assert error_message(errors.WorkerFailed("why"), fatal=True).retry_after is None
    passed_over = error_message(errors.RateLimited("why", sequence=9), fatal=False)
    assert (passed_over.sequence, passed_over.retry_after, passed_over.fatal) == (9, None, False)
