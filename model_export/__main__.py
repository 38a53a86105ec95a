"""`python -m model_export train|export|evaluate|card` and what else `--help` lists."""

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
from model_export.report import as_text
from service.engine import Engine
from service.engine.engine import WEIGHTS
from service.engine.slots import GRAPHS
from service.errors import AttuneError


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
    train.add_argument(
        "--data",
        action="append",
        metavar="NAME=FOLDER",
        help="fine-tune the shipped weights on this data set instead; the first is the one chosen on",
    )
    train.add_argument("--weights", type=Path, default=WEIGHTS, help="with --data: weights to begin with")
    train.add_argument("--out", type=Path, default=Path(".work/finetuned"), help="with --data: folder of the new files")
    train.set_defaults(run=_train)
    export = commands.add_parser("export", help="write the checkpoints as ONNX files")
    export.add_argument("--out", type=Path, default=WEIGHTS, help="folder of the ONNX files (default: %(default)s)")
    export.set_defaults(run=_export)
    folds = commands.add_parser("folds", help="score speech on actors and corpora left out, one training for each")
    folds.add_argument("--data-dir", type=Path, default=Path(os.environ.get("ATTUNE_DATA", "../shared/data")))
    folds.add_argument("--json", type=Path, default=Path("folds.json"), metavar="OUT", help="where the scores go")
    folds.set_defaults(run=_folds)
    ablate = commands.add_parser("ablate", help="train and score the network without each of the paper's two ideas")
    ablate.add_argument("--data-dir", type=Path, default=Path(os.environ.get("ATTUNE_DATA", "../shared/data")))
    ablate.add_argument(
        "--json", type=Path, default=Path("ablation.json"), metavar="OUT", help="table and figure go beside it"
    )
    ablate.set_defaults(run=_ablate)
    for command in (train, folds, ablate, export):
        command.add_argument("--work-dir", type=Path, default=Path(".work"), help="features and checkpoints")
        command.add_argument("--seed", type=int, default=0)
    evaluate = commands.add_parser("evaluate", help="score ONNX files through the service's own code")
    evaluate.add_argument("--faces", type=Path, metavar="NPZ", help="faces: images and FER+ votes")
    evaluate.add_argument(
        "--speech",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="recordings named as RAVDESS, SAVEE or EmoDB do, or LABEL_anything",
    )
    evaluate.add_argument("--clips", type=Path, nargs="+", metavar="DIR", help="videos named in one of these ways")
    evaluate.add_argument("--weights", type=Path, help="folder of the ONNX files (default: those that ship for CPUs)")
    evaluate.add_argument("--json", type=Path, metavar="OUT", help="also write the scores to this file")
    evaluate.set_defaults(run=_evaluate)
    precision = commands.add_parser("precision", help="make int8 and fp16 forms, and keep those that are good enough")
    precision.add_argument("--faces", type=Path, required=True, metavar="NPZ", help="faces to score on")
    precision.add_argument("--calibration", type=Path, required=True, metavar="NPZ", help="faces to take ranges from")
    precision.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the fp32 files")
    precision.add_argument("--out", type=Path, default=WEIGHTS, help="where the folder of a form goes")
    precision.add_argument("--json", type=Path, metavar="OUT", help="also write the table to this file")
    precision.add_argument("--document", type=Path, metavar="MD", help="also put the table into this document")
    precision.set_defaults(run=_precision)
    slots = commands.add_parser("slots", help="write the graphs that move states on the device")
    slots.add_argument("--out", type=Path, default=GRAPHS, help="folder of the ONNX files (default: %(default)s)")
    slots.set_defaults(run=_slots)
    figures = commands.add_parser("figures", help="draw scores, and attention over a sentence, for the documents")
    figures.add_argument("--scores", type=Path, nargs="+", default=[], metavar="JSON", help="what `evaluate` wrote")
    figures.add_argument("--recording", type=Path, metavar="FILE", help="a sentence whose attention is drawn")
    figures.add_argument("--out", type=Path, default=Path("docs/figures"))
    figures.set_defaults(run=_figures)
    card = commands.add_parser("card", help="put scores into the model card")
    card.add_argument("scores", nargs="+", metavar="TITLE=JSON", help="sections, each from a file of scores")
    card.add_argument("--card", type=Path, default=Path("MODEL_CARD.md"))
    card.set_defaults(run=_card)
    return parser


def _train(options: argparse.Namespace) -> None:
    if options.data:
        _finetune(options)
        return
    from model_export.stages import train  # torch is wanted by training and export alone

    train(options.data_dir, options.work_dir, options.seed)


def _finetune(options: argparse.Namespace) -> None:
    from model_export.finetune import finetune

    if not all("=" in item for item in options.data):
        raise ValueError("--data takes NAME=FOLDER")
    data = {name: Path(folder) for name, folder in (item.split("=", 1) for item in options.data)}
    print(as_text(finetune(data, options.work_dir, options.weights, options.out, options.seed)))  # noqa: T201


def _folds(options: argparse.Namespace) -> None:
    from model_export.folds import write_folds

    write_folds(options.data_dir, options.work_dir, options.seed, options.json)


def _ablate(options: argparse.Namespace) -> None:
    from model_export.ablate import write_ablation
    from model_export.stages import trained_encoder

    encoder = trained_encoder(options.work_dir, options.seed)
    write_ablation(options.data_dir, options.work_dir, options.seed, encoder, options.json)


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
    print(as_text(report))  # noqa: T201 - a command
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _precision(options: argparse.Namespace) -> None:
    from model_export.precision import as_table, fill_document, write_forms  # onnx is wanted here and by training alone

    rows = write_forms(options.weights, options.faces, options.calibration, options.out)
    print(as_table(rows))  # noqa: T201 - a command
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.document:
        options.document.write_text(fill_document(options.document.read_text(), rows))


def _slots(options: argparse.Namespace) -> None:
    from model_export.slot_graphs import write_slot_graphs  # onnx, as above

    write_slot_graphs(options.out)


def _figures(options: argparse.Namespace) -> None:
    from model_export.figures import analyse, draw_attention, draw_scores  # matplotlib is wanted here alone

    if not (options.scores or options.recording):
        raise ValueError("nothing to draw: give --scores or --recording")
    for file in options.scores:
        draw_scores(json.loads(file.read_text()), options.out)
    if options.recording:
        draw_attention(analyse(options.recording), options.out)


def _card(options: argparse.Namespace) -> None:
    reports = {}
    for title, file in (item.split("=", 1) for item in options.scores):
        reports[title] = json.loads(Path(file).read_text())
    options.card.write_text(fill_card(options.card.read_text(), reports))


if __name__ == "__main__":
    sys.exit(main())
