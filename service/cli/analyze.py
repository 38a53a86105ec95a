"""`attune analyze`: recordings in, a table, JSON and a report out."""

import argparse
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.sources import STDIN
from service.representation import DEFAULT_HORIZON, MIN_HORIZON, STEP_RATE

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

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
    parser.add_argument("files", nargs="+", metavar="FILE", help="video or audio file; - is standard input")
    parser.add_argument("--json", metavar="OUT", help="write the result of one input as JSON; - is standard output")
    parser.add_argument(
        "--jsonl",
        metavar="OUT",
        help="write one line of JSON for each input, in the order given: the result, or error, and source; "
        "- is standard output",
    )
    parser.add_argument(
        "--report", metavar="OUT", help="draw the result of one input over time, as a page (.html) or picture (.png)"
    )
    parser.add_argument(
        "--faces",
        choices=("all", "largest"),
        default="all",
        help="which faces become people: every one, or at each moment the largest [default all]",
    )
    parser.add_argument(
        "--horizon",
        type=horizon,
        default=DEFAULT_HORIZON,
        metavar="SECONDS",
        help=f"seconds, at least {MIN_HORIZON}, after which a past step weighs 1/e in the timeline; the summary never "
        f"forgets [default {DEFAULT_HORIZON:g}]",
    )
    parser.add_argument(
        "--timeline-fps",
        type=_timeline_rate,
        metavar="RATE",
        help=f"timeline steps for each second of media, at most {STEP_RATE} [default {STEP_RATE}]",
    )
    parser.add_argument(
        "--provider",
        choices=("auto", "cpu", "cuda"),
        help="execution provider of the model; cuda fails where CUDA does not work [default auto; ATTUNE_PROVIDER]",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Check what was asked for, then analyse."""
    if problem := _misuse(arguments):
        arguments.parser.error(problem)
    # Before mediapipe is imported: it and its libraries log what is of no interest here.
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from service.cli.batch import analyse_all

    return analyse_all(arguments)


def _misuse(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the options, or None."""
    files: list[str] = arguments.files
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
        if problem := _unwritable(out, files):
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


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def horizon(text: str) -> float:
    """The argument of `--horizon`."""
    value = _positive(text)
    if value < MIN_HORIZON:
        raise argparse.ArgumentTypeError(f"{text} is too short: at least {MIN_HORIZON} s")
    return value


def _timeline_rate(text: str) -> float:
    value = _positive(text)
    if value > STEP_RATE:
        raise argparse.ArgumentTypeError(f"the model has {STEP_RATE} steps a second, not {text}")
    return value
