"""Log lines: their form, and what they say of the request that they belong to."""

import asyncio
import json
import logging
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.logs import about, configure, note, noted

HOSTILE = [
    "\n2026-01-01 00:00:00,000 INFO service.api.requests: POST /v1/analyses: 200 ok in 0.1 s",
    '"}\n{"level": "INFO"}',
    "\r\n",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\u2028\u2029\x85\x0b\x0c\x1c",
    "\u202etxt.exe",
    "\x00",
    "\ud800",
    "%s %d %(message)s {0}",
]
"""What makes lines, colours and titles of its own, or runs backwards."""

SCRIPT = """
import logging
from service.logs import about, configure, note
configure("info", {style!r})
log = logging.getLogger("service.test")
log.debug("not this")
log.info("before\\nand after")
with about(request="r-1"):
    note(session="s-1")
    log.warning("within", extra={{"seconds": 0.5}})
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("failed")
log.info("outside")
"""


def lines(style: str) -> list[str]:
    """What a process of its own writes to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(style=style)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_lines_are_one_object_each_with_the_fields_of_their_request() -> None:
    before, within, failed, outside = (json.loads(line) for line in lines("json"))
    assert before["message"] == "before\nand after"
    assert (within["level"], within["logger"], within["message"]) == ("WARNING", "service.test", "within")
    assert (within["request"], within["session"], within["seconds"]) == ("r-1", "s-1", 0.5)
    assert "ValueError: broken" in failed["exc_info"]
    assert failed["request"] == "r-1"
    assert "request" not in before
    assert "request" not in outside
    written = datetime.fromisoformat(before["time"])
    assert written.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - written) < timedelta(hours=1)


def test_every_field_of_a_line_is_documented() -> None:
    document = (Path(__file__).parents[1] / "docs/operations.md").read_text()
    section = document[document.index("\n## Logs\n") : document.index("\n## Traces\n")]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    for line in lines("json"):
        assert json.loads(line).keys() <= documented


def test_text_lines_end_with_the_fields_of_their_request() -> None:
    text = lines("text")
    assert text[0].endswith(r" INFO service.test: before\nand after")
    assert text[1].endswith(" WARNING service.test: within [request=r-1 session=s-1]")
    assert text[-1].endswith(" INFO service.test: outside")
    assert "    ValueError: broken" in text


@pytest.mark.parametrize("style", ["text", "json"])
@given(st.lists(st.text(max_size=9) | st.sampled_from(HOSTILE), max_size=6).map("".join))
def test_whatever_gets_into_a_record_there_is_one_line_for_each_in_printable_characters(style: str, text: str) -> None:
    written = StringIO()
    logger = logging.Logger("service.test")
    with mock.patch("logging.basicConfig") as given_to, mock.patch("sys.stderr", written):
        configure("info", style)  # type: ignore[arg-type]
    [handler] = given_to.call_args.kwargs["handlers"]
    logger.addHandler(handler)
    with about(request=text):
        logger.info("of a caller: %s", text, extra={"more": text})
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception("failed")
        logger.error(text)
    lines = written.getvalue().splitlines()
    assert all(line.isprintable() for line in lines)
    begun = [line for line in lines if not line.startswith("    ")]
    assert len(begun) == 3
    if style == "json":
        assert len(lines) == 3
        assert json.loads(begun[0])["message"] == f"of a caller: {text}"
        assert all(json.loads(line)["request"] == text for line in lines)
    else:
        assert all(
            re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|ERROR) service\.test: ", line) for line in begun
        )


def test_what_one_task_of_a_request_notes_is_known_to_the_others_and_to_no_other_request() -> None:
    async def noting(**fields: str) -> None:
        note(**fields)

    async def request(name: str) -> dict[str, str]:
        with about(request=name):
            await asyncio.gather(noting(session=f"of {name}"), noting(key="k"))
            return noted()

    async def both() -> list[dict[str, str]]:
        return list(await asyncio.gather(request("a"), request("b")))

    assert asyncio.run(both()) == [
        {"request": "a", "session": "of a", "key": "k"},
        {"request": "b", "session": "of b", "key": "k"},
    ]
    assert noted() == {}


def test_a_note_outside_of_any_request_is_lost() -> None:
    note(request="x")
    assert noted() == {}


def test_an_inner_matter_hides_the_outer_one_until_it_is_over() -> None:
    with about(request="outer"):
        with about(request="inner"):
            note(key="k")
            assert noted() == {"request": "inner", "key": "k"}
        assert noted() == {"request": "outer"}


def test_nothing_is_configured_by_importing() -> None:
    code = "import logging, service.logs; assert not logging.getLogger().handlers"
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0
    assert logging.getLogger("service").handlers == []
