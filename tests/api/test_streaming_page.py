"""docs/streaming.md names all that a client can meet, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from api.asyncapi import kind_of, messages_of

from service import errors
from service.analysis.session import MAX_PEOPLE
from service.api.stream.closing import close_code
from service.api.stream.phases import Phase
from service.api.stream.session import ROOM_BYTES
from service.errors import AttuneError
from service.protocol.messages import ClientMessage, ServerMessage
from service.settings import Settings

NOT_IN_SESSIONS = {  # of uploads, of the start of the service, of handshakes
    errors.AssetMissing,
    errors.BadRequest,
    errors.BodyTimeout,
    errors.HeadTimeout,
    errors.HeadTooLarge,
    errors.HostNotAllowed,
    errors.InvalidRequest,
    errors.ModelMismatch,
    errors.OriginNotAllowed,
    errors.ProviderUnavailable,
    errors.Unauthorized,
}


@pytest.fixture(scope="module")
def page() -> str:
    """The text of the page."""
    return (Path(__file__).parents[2] / "docs/streaming.md").read_text()


def test_every_message_is_named(page: str) -> None:
    for model in (*messages_of(ClientMessage), *messages_of(ServerMessage)):
        kind = kind_of(model)
        assert kind in page or kind.partition(".")[0] + ".*" in page, kind


def test_every_fatal_error_is_in_the_table_under_its_closing_code(page: str) -> None:
    table = {
        (int(code), name)
        for code, names in re.findall(r"^\| (\d{4}) \| (.+?) \|", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    # The command has errors of its own.
    service = {error for error in AttuneError.__subclasses__() if error.__module__ == errors.__name__}
    # A rate exceeded is passed over in a session, and refuses one where it is the key's.
    fatal = {error for error in service if not error.recoverable or error is errors.RateLimited} - NOT_IN_SESSIONS
    assert table == {(close_code(error("why")), error.code) for error in fatal}


def test_every_fault_that_is_passed_over_is_named(page: str) -> None:
    for error in AttuneError.__subclasses__():
        assert not error.recoverable or f"`{error.code}`" in page


def test_the_diagram_has_the_phases_that_there_are(page: str) -> None:
    diagram = page.partition("```mermaid")[2].partition("```")[0]
    states = set(re.findall(r"\b([A-Z]\w+)\b -->|--> ([A-Z]\w+)", diagram))
    assert {name for pair in states for name in pair if name} == {
        phase.value.title().replace(" ", "") for phase in Phase
    }


def test_every_setting_it_names_exists(page: str) -> None:
    named = re.findall(r"ATTUNE_([A-Z_]+)", page)
    assert named
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_bounds_are_as_it_says(page: str) -> None:
    page = " ".join(page.split())
    assert f"up to {ROOM_BYTES // 2**20} MiB" in page
    assert f"more than {MAX_PEOPLE:,} people" in page
    assert "after one day (`ATTUNE_CHECKPOINT_LIFETIME`)" in page
    assert Settings().checkpoint_lifetime == 24 * 3600
    assert "`ATTUNE_MEDIA_TIMEOUT`, one hour" in page
    assert Settings().media_timeout == 3600
    assert f"{Settings().checkpoint_interval:g} seconds of media".replace("2", "two") in page
