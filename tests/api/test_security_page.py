"""docs/security.md says what is so."""

import re
from pathlib import Path

import pytest

from service.credentials import PREFIX, parse
from service.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    """The text of the page."""
    return (ROOT / "docs" / "security.md").read_text()


def test_every_setting_it_names_exists(page: str) -> None:
    named = {name.lower() for name in re.findall(r"ATTUNE_([A-Z_]+)", page)}
    assert {"api_keys", "allow_anonymous", "checkpoint_key", "token_lifetime", "admin_port"} <= named
    assert named <= Settings.model_fields.keys()


def test_keys_and_times_are_as_it_says(page: str) -> None:
    [key] = re.findall(r"^    key   (\S+)$", page, re.MULTILINE)
    assert key.startswith(PREFIX)
    assert f"{Settings().token_lifetime:g} s" in page
    assert Settings().checkpoint_lifetime == 24 * 3600
    assert Settings().baseline_lifetime == 365 * 24 * 3600
    with pytest.raises(ValueError, match="NAME=HASH"):
        parse(key)  # the mistake that is easily made


def test_what_it_points_to_is_there(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#([\w-]+))?\)", page)
    assert len(links) >= 5
    for file, heading in links:
        target = (ROOT / "docs" / file).read_text()
        titles = {
            re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", target, re.MULTILINE)
        }
        assert not heading or heading in titles, f"{file}#{heading}"
