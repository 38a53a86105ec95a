import re
from pathlib import Path

import service
from service.cli.report_palette import DARK, LIGHT, Palette
from service.representation import LABELS

_STYLE = Path(service.__file__).parent / "page" / "style.css"


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_labels_have_the_colours_of_the_page() -> None:
    style = _STYLE.read_text()
    for label in LABELS:
        assert re.findall(rf"--{label}: (#[0-9a-f]{{6}});", style) == [LIGHT.labels[label], DARK.labels[label]]


def test_everything_stands_out_from_its_background() -> None:
    def check(palette: Palette) -> None:
        for colour in palette.labels.values():
            assert _contrast(colour, palette.surface) >= 3
        for text in (palette.ink, palette.muted):
            assert _contrast(text, palette.surface) >= 4.5
            assert _contrast(text, palette.panel) >= 4.5

    check(LIGHT)
    check(DARK)


def test_no_colour_stands_for_two_things() -> None:
    for palette in (LIGHT, DARK):
        assert len(set(palette.labels.values())) == len(LABELS)
