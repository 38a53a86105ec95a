"""The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

import base64
from html import escape
from typing import BinaryIO

from service.cli.report_figure import drawing_settings, panels_figure
from service.cli.report_moments import Moment, attended_moments, even_multiples, leading_label
from service.cli.report_palette import DARK, LIGHT, Palette, variables
from service.cli.report_svg import inline_svg
from service.cli.report_text import Text
from service.cli.report_thumbnails import Thumbnails
from service.representation import LABELS
from service.timeline.models import AnalysisResult, Person

_STYLE = """
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:15px/1.5 var(--font)}
main,header,footer{max-width:1060px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0}
h3{font-size:.9rem;margin:14px 0 -6px}
p{margin:4px 0}
.muted,figcaption,caption{color:var(--muted)}
.notice{border-left:4px solid var(--muted);padding:8px 14px;background:var(--panel);margin:16px 0}
section{border:1px solid var(--grid);border-radius:10px;padding:18px 20px;margin:20px 0}
.moments{list-style:none;display:flex;flex-wrap:wrap;gap:12px;margin:14px 0 4px;padding:0}
.moments figure{margin:0;width:88px}
.moments img{width:88px;height:88px;border-radius:6px;border:1px solid var(--grid);display:block}
figcaption{font-size:.78rem;line-height:1.35;margin-top:3px}
figcaption b{color:var(--ink)}
.chart{overflow-x:auto;margin:8px -8px 0}
.chart svg{display:block;width:100%;min-width:700px;height:auto}
summary{cursor:pointer}
table{border-collapse:collapse;margin-top:8px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-size:.85rem}
th,td{text-align:right;padding:3px 14px 3px 0;border-bottom:1px solid var(--grid);font-weight:normal}
th:first-child{text-align:left}
thead th{color:var(--muted)}
i{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.5em}
:focus-visible{outline:2px solid var(--sad);outline-offset:2px}
footer{padding-bottom:32px;font-size:.85rem}
@media print{section{break-inside:avoid}}
"""


def write_html(stream: BinaryIO, result: AnalysisResult, thumbnails: Thumbnails, text: Text) -> None:
    """Write the page, UTF-8."""
    sections = "".join(_section(result, person, thumbnails, text) for person in result.people)
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in text.remarks)
    nobody = "" if result.people else "<section><p>Nobody: no face for long enough and no speech.</p></section>"
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(text.title)} – expressed emotion</title>
<style>{_colours()}{_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(text.title)}</h1>
<p class="muted">{escape(text.media)}</p>
<p class="notice" role="note">{escape(text.notice)}</p>
</header>
<main>{sections}{nobody}</main>
<footer class="muted"><p>{escape(text.model)}</p>{remarks}</footer>
</body>
</html>
"""
    stream.write(page.encode("utf-8"))


def _colours() -> str:
    def declared(palette: Palette) -> str:
        return "".join(f"{name}:{colour};" for name, colour in variables(palette).items())

    font = "--font:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
    return (
        f":root{{color-scheme:light dark;{declared(LIGHT)}{font}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{declared(DARK)}}}}}"
    )


def _section(result: AnalysisResult, person: Person, thumbnails: Thumbnails, text: Text) -> str:
    heading = f"p{person.id}"
    title, details = text.people[person.id]
    head = f'<section aria-labelledby="{heading}"><h2 id="{heading}">{escape(title)}</h2>'
    if not person.timeline:
        return f"{head}<p>There is no evidence to draw.</p></section>"
    head += f'<p class="muted">{escape(details)}</p>'
    moments = attended_moments(person)
    with drawing_settings(f"person-{person.id}"):
        svg = inline_svg(
            panels_figure(result, person, LIGHT),
            LIGHT,
            prefix=f"f{person.id}",
            title=f"Person {person.id} over time",
            description="Probabilities of the seven expressed emotions, the perception attention of each, and where "
            "there are speech and a face. The table below gives the numbers.",
        )
    chart = f'<div class="chart" tabindex="0" role="region" aria-label="Charts of person {person.id}">{svg}</div>'
    return f"{head}{_moments(person, moments, thumbnails)}{chart}{_table(person)}</section>"


def _moments(person: Person, moments: list[Moment], thumbnails: Thumbnails) -> str:
    shown = [(moment, thumbnails[key]) for moment in moments if (key := (moment.person, moment.number)) in thumbnails]
    if not shown:
        return ""
    label = leading_label(person)
    items = "".join(
        f'<li><figure><img src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" width="88" height="88" '
        f'alt="Person {person.id} at {moment.time:.2f} seconds">'
        f"<figcaption><b>{moment.number}</b> · {moment.time:.2f} s<br>{moment.weight:.2f} ×</figcaption>"
        "</figure></li>"
        for moment, jpeg in shown
    )
    return f'<h3>Most attended moments for {label}</h3><ol class="moments">{items}</ol>'


def _table(person: Person) -> str:
    rows = []
    for label in LABELS:
        values = even_multiples(person.attention[label])
        peak = int(values.argmax())
        probability = (person.summary.probabilities or {}).get(label, 0.0)
        rows.append(
            f'<tr><th scope="row"><i style="background:var(--{label})"></i>{label}</th><td>{probability:.1%}</td>'
            f"<td>{values[peak]:.2f} ×</td><td>{person.timeline[peak].time:.2f} s</td></tr>"
        )
    return (
        "<details><summary>Numbers</summary><table><caption>Over the whole recording. Attention is a multiple of the "
        "same attention spread evenly.</caption><thead><tr><th scope='col'>Emotion</th><th scope='col'>Probability</th>"
        "<th scope='col'>Greatest attention</th><th scope='col'>at</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></details>"
    )
