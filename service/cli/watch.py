"""`attune watch`: a recording played in real time, or a camera, and what each person in it expresses meanwhile."""

import argparse
from typing import TYPE_CHECKING

from service.cli.arguments import add_analysis_options, hush_libraries

if TYPE_CHECKING:
    from service.cli.arguments import Commands

CAMERA = "camera"
"""The source that stands for the first camera."""

KEY_VARIABLE = "ATTUNE_API_KEY"


def add_command(commands: "Commands") -> None:
    """Add `watch` to the command."""
    parser = commands.add_parser(
        "watch",
        help="watch a camera, or a recording in real time",
        description="Show what each person expresses while a recording is played in real time, or in front of a "
        "camera. Nothing is kept. Ctrl-C ends the watching and shows the summary.",
        epilog="Exit code: 0 after the summary, 1 when something failed, 2 for misuse, 130 after a second Ctrl-C.",
    )
    parser.add_argument("source", metavar="SOURCE", help=f"video or audio file, /dev/videoN, or {CAMERA}")
    parser.add_argument(
        "--url",
        action="append",
        metavar="URL",
        help="server that does the work, for instance http://127.0.0.1:8000; again for each further replica; without "
        f"it the work is done here. An API key is read from {KEY_VARIABLE}",
    )
    add_analysis_options(parser, provider="execution provider of the model, without --url")
    parser.add_argument(
        "--late",
        choices=("wait", "drop"),
        help="what becomes of pictures for which the work is too slow: they wait, or are dropped after half a second "
        "[default drop for a camera, wait for a file]",
    )
    parser.set_defaults(run=run, parser=parser)


def is_camera(source: str) -> bool:
    """Whether `source` names a camera and not a file."""
    return source == CAMERA or source.startswith("/dev/video")


def run(arguments: argparse.Namespace) -> int:
    """Check what was asked for, then watch."""
    if arguments.url and arguments.provider:
        arguments.parser.error("--provider is for the work done here; with --url the server has its own")
    if not arguments.url and arguments.late == "drop" and not is_camera(arguments.source):
        arguments.parser.error("--late drop is for a camera, or for a server: here a file is never in a hurry")
    if arguments.url:
        from service.client.address import stream_urls

        try:
            stream_urls(arguments.url)
        except ValueError as error:
            arguments.parser.error(str(error))
    hush_libraries()
    from service.cli.watching import watch

    return watch(arguments)
