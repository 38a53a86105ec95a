"""`python -m model_export train|export|evaluate|card`."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_export.card import fill_card
from model_export.evaluate import evaluate_clips, evaluate_faces, evaluate_speech
from service.engine import Engine
from service.engine.engine import WEIGHTS
from service.errors import AttuneError
from service.representation import LABELS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 1 after saying what went wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        options.run(options)
    except (AttuneError, OSError, ValueError) as error:
        print(f"model_export: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model_export", description="Train, export and evaluate the network."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train every stage that has no checkpoint yet")
    train.add_argument("--data-dir", type=Path, default=Path(os.environ.get("ATTUNE_DATA", "../shared/data")))
    train.set_defaults(run=_train)
    export = commands.add_parser("export", help="write the checkpoints as ONNX files")
    export.add_argument("--out", type=Path, default=WEIGHTS, help="folder of the ONNX files (default: %(default)s)")
    export.set_defaults(run=_export)
    for command in (train, export):
        command.add_argument("--work-dir", type=Path, default=Path(".work"), help="features and checkpoints")
        command.add_argument("--seed", type=int, default=0)
    evaluate = commands.add_parser("evaluate", help="score ONNX files through the service's own code")
    evaluate.add_argument("--faces", type=Path, metavar="NPZ", help="faces: images and FER+ votes")
    evaluate.add_argument(
        "--speech", type=Path, nargs="+", metavar="DIR", help="recordings named as RAVDESS, SAVEE or EmoDB do"
    )
    evaluate.add_argument("--clips", type=Path, nargs="+", metavar="DIR", help="videos named as RAVDESS does")
    evaluate.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the ONNX files")
    evaluate.add_argument("--json", type=Path, metavar="OUT", help="also write the scores to this file")
    evaluate.set_defaults(run=_evaluate)
    card = commands.add_parser("card", help="put scores into the model card")
    card.add_argument("scores", nargs="+", metavar="TITLE=JSON", help="sections, each from a file of scores")
    card.add_argument("--card", type=Path, default=Path("MODEL_CARD.md"))
    card.set_defaults(run=_card)
    return parser


def _train(options: argparse.Namespace) -> None:
    from model_export.stages import train  # torch is wanted by training and export alone

    train(options.data_dir, options.work_dir, options.seed)


def _export(options: argparse.Namespace) -> None:
    from model_export.stages import export

    export(options.work_dir, options.seed, options.out)


def _evaluate(options: argparse.Namespace) -> None:
    if not (options.faces or options.speech or options.clips):
        raise ValueError("nothing to evaluate: give --faces, --speech or --clips")
    engine = Engine.load(options.weights, "cpu")
    report: dict[str, Any] = {"model": {"name": engine.fusion.name, "version": engine.fusion.version}}
    if options.faces:
        report["faces"] = evaluate_faces(engine, options.faces)
    if options.speech:
        report["speech"] = evaluate_speech(engine, options.speech)
    if options.clips:
        report["clips"] = evaluate_clips(engine, options.clips)
    for part, scores in report.items():
        _show(part, scores)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _card(options: argparse.Namespace) -> None:
    reports = {}
    for title, file in (item.split("=", 1) for item in options.scores):
        reports[title] = json.loads(Path(file).read_text())
    options.card.write_text(fill_card(options.card.read_text(), reports))


def _show(title: str, scores: dict[str, Any]) -> None:
    if "accuracy" not in scores:
        for name, value in scores.items():
            if isinstance(value, dict):
                _show(f"{title}.{name}", value)
        return
    low, high = scores["interval"]
    error = "-" if scores["ece"] is None else f"{100 * scores['ece']:.1f}%"
    lines = [
        f"{title}: accuracy {100 * scores['accuracy']:.1f}% (95% interval {100 * low:.1f} to {100 * high:.1f}), "
        f"mean recall {100 * scores['mean_recall']:.1f}%, calibration error {error}, n = {scores['n']}",
        "  recall: " + ", ".join(f"{label} {100 * recall:.0f}%" for label, recall in scores["recall"].items()),
        "  confusion (rows: labels; columns: answers, " + ", ".join(LABELS) + ")",
        *("    " + " ".join(f"{count:5d}" for count in row) for row in scores["confusion"]),
    ]
    print("\n".join(lines))  # noqa: T201 - a command
    for name, value in scores.items():
        if isinstance(value, dict) and name in ("encoder", "corpora"):
            _show(f"{title}.{name}", value)


if __name__ == "__main__":
    sys.exit(main())
