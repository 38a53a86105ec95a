import io
from pathlib import Path

from rich.console import Console

from service.cli.progress import ProgressLine
from service.cli.sources import open_source


def _shown(tmp_path: Path, *, terminal: bool) -> str:
    file = tmp_path / "a [b].mp4"
    file.write_bytes(b"x" * 10)
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    with open_source(str(file)) as source, ProgressLine(console, "a [b].mp4", source, number=2, of=3) as line:
        source.read(5)
        line.update(1.5, 1)
        source.read(5)
        line.update(2.5, 2)
    return out.getvalue()


def test_a_terminal_sees_how_far_the_analysis_is(tmp_path: Path) -> None:
    shown = _shown(tmp_path, terminal=True)
    assert "[2/3] a [b].mp4" in shown
    assert "2.5 s" in shown
    assert "2 people" in shown


def test_a_file_is_not_filled_with_progress(tmp_path: Path) -> None:
    assert _shown(tmp_path, terminal=False) == ""
