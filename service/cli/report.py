"""`--report`: one recording's result drawn over time, with thumbnails of its most attended moments."""

from collections.abc import Callable
from pathlib import PurePath

from service.cli.outputs import whole_file
from service.cli.report_html import write_html
from service.cli.report_moments import attended_moments
from service.cli.report_png import write_png
from service.cli.report_text import report_text
from service.cli.report_thumbnails import Thumbnails, take_thumbnails
from service.cli.sources import SourceFile, can_be_read_twice, open_source
from service.media import MediaReader
from service.timeline.models import AnalysisResult

_UNREPEATABLE = "No thumbnails: the input cannot be read a second time."


def write_report(
    out: str, source: str, result: AnalysisResult, decode: Callable[[SourceFile], MediaReader]
) -> tuple[str, ...]:
    """Draw `result`, which came from `source`; `decode` reads it a second time.

    Writes `out` (a page or a picture by its ending, .html or .png) and returns remarks on what it lacks.

    Raises an AttuneError where the second pass over the file fails, and OSError where `out` cannot be written.
    """
    moments = [moment for person in result.people for moment in attended_moments(person)]
    thumbnails: Thumbnails = {}
    remarks: tuple[str, ...] = ()
    if moments and not can_be_read_twice(source):
        remarks = (_UNREPEATABLE,)
    elif moments:
        with open_source(source) as stream, decode(stream) as media:
            thumbnails = take_thumbnails(media, moments)
    text = report_text(source, result, remarks)
    write = write_png if PurePath(out).suffix.lower() == ".png" else write_html
    with whole_file(out) as file:
        write(file, result, thumbnails, text)
    return remarks
