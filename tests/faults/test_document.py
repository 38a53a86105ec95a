"""docs/reliability.md names a test for each fault, and each test of a fault."""

import re
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
DOCUMENT = TESTS.parent / "docs" / "reliability.md"
NAMED = re.findall(r"`([\w/]+\.py)::(test_\w+)`", DOCUMENT.read_text())


def functions_in(file: Path) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    assert name in functions_in(TESTS / file)


def test_every_test_of_a_fault_is_named_once() -> None:
    injecting = [file for file in (TESTS / "faults").glob("test_*.py") if file.name != Path(__file__).name]
    wanted = {(f"faults/{file.name}", name) for file in injecting for name in functions_in(file)}
    assert {one for one in NAMED if one[0].startswith("faults/")} == wanted
    assert max(Counter(NAMED).values()) == 1


def test_every_row_names_a_test() -> None:
    rows = [
        line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and not line.startswith("| ---")
    ]
    for row in rows:
        assert row.count(" | ") == 4, row
        assert row.startswith("| fault |") or re.search(r"\.py::test_\w+` \|$", row), row
