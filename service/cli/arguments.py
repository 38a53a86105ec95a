"""Arguments that several commands share."""

import argparse
import math
import os
from typing import TYPE_CHECKING

from service.representation import DEFAULT_HORIZON, MIN_HORIZON

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_analysis_options(parser: argparse.ArgumentParser, *, provider: str) -> None:
    """How to analyse: `--faces`, `--horizon`, and `--provider` with the help text `provider`."""
    parser.add_argument(
        "--faces",
        choices=("all", "largest"),
        default="all",
        help="which faces become people: every one, or at each moment the largest [default all]",
    )
    parser.add_argument(
        "--horizon",
        type=_horizon,
        default=DEFAULT_HORIZON,
        metavar="SECONDS",
        help=f"seconds, at least {MIN_HORIZON}, after which a past step weighs 1/e in what is told of a moment; the "
        f"summary never forgets [default {DEFAULT_HORIZON:g}]",
    )
    parser.add_argument(
        "--provider", choices=("auto", "cpu", "cuda"), help=f"{provider} [default auto; ATTUNE_PROVIDER]"
    )


def positive(text: str) -> float:
    """An argument that is a positive number."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def hush_libraries() -> None:
    """Keep mediapipe and its libraries from logging what is of no interest here; before they are imported."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _horizon(text: str) -> float:
    value = positive(text)
    if value < MIN_HORIZON:
        raise argparse.ArgumentTypeError(f"{text} is too short: at least {MIN_HORIZON} s")
    return value
