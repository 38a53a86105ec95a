"""`attune analyze`: recordings in, a table, JSON and a report out."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.arguments import add_analysis_options, hush_libraries, positive
from service.cli.manifest import named_twice, read_manifest, shard
from service.cli.sources import STDIN
from service.representation import STEP_RATE

if TYPE_CHECKING:
    from service.cli.arguments import Commands

REPORT_ENDINGS = (".html", ".png")


def add_command(commands: "Commands") -> None:
    """Add `analyze` to the command."""
    parser = commands.add_parser(
        "analyze",
        help="analyse recordings",
        description="Analyse recordings, one after the other, and show what each person in them expresses. Limits on "
        "the media are those of the service, from the same ATTUNE_ variables.",
        epilog="Exit code: 0 when every input was analysed, 1 when any was not, 2 for misuse, 130 after Ctrl-C.",
    )
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("files", nargs="*", default=[], metavar="FILE", help="video or audio file; - is standard input")
    inputs.add_argument("--manifest", metavar="FILE", help="file that names the inputs, one on each line")
    parser.add_argument(
        "--shard",
        type=shard,
        default=slice(None),
        metavar="I/N",
        help="of the inputs, analyse every N-th, the first of them number I, counted from 0",
    )
    parser.add_argument("--json", metavar="OUT", help="write the result of one input as JSON; - is standard output")
    parser.add_argument(
        "--jsonl",
        metavar="OUT",
        help="write one line of JSON for each input, in the order given: the result, or error, and source; "
        "- is standard output",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the --jsonl file of an earlier run: inputs with a result are passed over, those with an error "
        "are analysed again, after all others",
    )
    parser.add_argument("--quiet", action="store_true", help="show no tables")
    parser.add_argument(
        "--report", metavar="OUT", help="draw the result of one input over time, as a page (.html) or picture (.png)"
    )
    add_analysis_options(parser, provider="execution provider of the model; cuda fails where CUDA does not work")
    parser.add_argument(
        "--timeline-fps",
        type=_timeline_rate,
        metavar="RATE",
        help=f"timeline steps for each second of media, at most {STEP_RATE} [default {STEP_RATE}]",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Check what was asked for, then analyse."""
    if arguments.manifest is not None:
        try:
            arguments.files = read_manifest(arguments.manifest)
        except OSError as error:
            arguments.parser.error(f"{arguments.manifest}: {error.strerror}")
    if problem := _misuse(arguments):
        arguments.parser.error(problem)
    arguments.files = arguments.files[arguments.shard]
    hush_libraries()
    from service.cli.batch import analyse_all

    return analyse_all(arguments)


def _misuse(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the options, or None."""
    files: list[str] = arguments.files
    if not files:
        return f"{arguments.manifest} names no input"
    if arguments.resume:
        if arguments.jsonl in (None, "-") or arguments.json or arguments.report:
            return "--resume goes with the file of --jsonl, and with no other output"
        if Path(arguments.jsonl).exists() and not Path(arguments.jsonl).is_file():
            return f"{arguments.jsonl} is no ordinary file, which --resume needs"
        if twice := named_twice(files):
            return f"{twice} is named twice, and --resume tells inputs apart by their names"
    for name in ("json", "report"):
        if getattr(arguments, name) is not None and len(files) > 1:
            return f"--{name} takes one input, not {len(files)} (--jsonl takes many)"
    if files.count(STDIN) > 1:
        return "standard input can be read only once"
    if arguments.report is not None and Path(arguments.report).suffix.lower() not in REPORT_ENDINGS:
        return f"--report must end in {' or '.join(REPORT_ENDINGS)}"
    if arguments.json == arguments.jsonl == "-":
        return "--json and --jsonl cannot both be standard output"
    outputs = [Path(name) for name in (arguments.json, arguments.jsonl, arguments.report) if name not in (None, "-")]
    if len({out.resolve() for out in outputs}) < len(outputs):
        return "two outputs have the same name"
    for out in outputs:
        if problem := _unwritable(out, [*files, arguments.manifest or STDIN]):
            return problem
    return None


def _unwritable(out: Path, files: list[str]) -> str | None:
    if out.is_dir():
        return f"{out} is a folder"
    if not out.resolve().parent.is_dir():
        return f"there is no folder for {out}"
    if not os.access(out if out.exists() else out.resolve().parent, os.W_OK):
        return f"{out} cannot be written"
    if out.is_file() and any(Path(name).exists() and out.samefile(name) for name in files if name != STDIN):
        return f"{out} is an input and would be overwritten"
    return None


def _timeline_rate(text: str) -> float:
    value = positive(text)
    if value > STEP_RATE:
        raise argparse.ArgumentTypeError(f"the model has {STEP_RATE} steps a second, not {text}")
    return value
