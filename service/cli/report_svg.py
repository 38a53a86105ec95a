"""A matplotlib figure as SVG to stand inside an HTML page."""

import io
import re
import xml.etree.ElementTree as ElementTree  # reads what matplotlib writes  # nosec B405
from html import escape

from matplotlib.figure import Figure

from service.cli.report_palette import Palette, variables

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_KEPT = ("url(#", 'href="#')


def inline_svg(figure: Figure, palette: Palette, *, prefix: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element that follows the page's colours and names nothing outside itself.

    `palette` is the one the figure was drawn with: its colours become the page's custom properties. `prefix` keeps the
    ids of several figures on one page apart.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - written just now  # nosec B314
    for element in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(element)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    text = ElementTree.tostring(root, encoding="unicode")
    # In HTML the namespaces go without saying.
    text = re.sub(r'\sxmlns:ns\d+="[^"]*"', "", text)
    text = re.sub(r"(</?)ns\d+:", r"\1", text)
    text = re.sub(r"\sns\d+:href=", " href=", text)
    text = re.sub(r'\sid="([^"]+)"', lambda match: _kept_id(match, text, prefix), text)
    text = text.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    text = re.sub(r"'DejaVu Sans'(, [^;\"]+)?", "var(--font)", text)
    for name, colour in variables(palette).items():
        text = text.replace(colour, f"var({name})")
    label = f'<title id="{prefix}-t">{escape(title)}</title><desc id="{prefix}-d">{escape(description)}</desc>'
    opening = f'<svg role="img" aria-labelledby="{prefix}-t {prefix}-d"'
    return re.sub(r"^<svg([^>]*)>", lambda match: f"{opening}{match[1]}>{label}", text, count=1)


def _kept_id(match: re.Match[str], text: str, prefix: str) -> str:
    """The id with its prefix where something refers to it, else nothing."""
    return f' id="{prefix}-{match[1]}"' if any(f"{start}{match[1]}" in text for start in _KEPT) else ""
