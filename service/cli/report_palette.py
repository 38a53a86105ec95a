"""Colours of the seven labels and of a report in light and dark.

After Okabe and Ito, "Color Universal Design" (2008), who chose them to be told apart with any kind of colour blindness;
darkened or lightened until each stands out from its background. The page of the service has the same.
"""

from dataclasses import dataclass

from service.representation import Label


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #rrggbb."""

    surface: str
    panel: str
    ink: str
    muted: str
    grid: str
    speech: str
    face: str
    labels: dict[Label, str]


LIGHT = Palette(
    surface="#ffffff",
    panel="#f6f7f9",
    ink="#16202c",
    muted="#5a6675",
    grid="#d9dee5",
    speech="#3f4b5a",
    face="#9aa5b3",
    labels={
        "angry": "#d55e00",
        "disgust": "#00936b",
        "fear": "#aa4499",
        "happy": "#bd7f00",
        "neutral": "#707b88",
        "sad": "#0063a0",
        "surprise": "#2a8fcf",
    },
)

DARK = Palette(
    surface="#12161c",
    panel="#1a2029",
    ink="#e8ecf1",
    muted="#a3aebb",
    grid="#313a46",
    speech="#c6d0dc",
    face="#6b7786",
    labels={
        "angry": "#f0803c",
        "disgust": "#2bbd92",
        "fear": "#d77bc8",
        "happy": "#f2b632",
        "neutral": "#97a3b1",
        "sad": "#4a95d6",
        "surprise": "#86cdf5",
    },
)


def variables(palette: Palette) -> dict[str, str]:
    """The palette as CSS custom properties, by name."""
    names = {"surface", "panel", "ink", "muted", "grid", "speech", "face"}
    return {
        **{f"--{name}": getattr(palette, name) for name in sorted(names)},
        **{f"--{label}": colour for label, colour in palette.labels.items()},
    }
