"""All inputs of one command, one after the other: progress, tables, JSON and the report."""

import argparse
import os
import sys
import traceback
from contextlib import ExitStack
from typing import BinaryIO

from rich.console import Console

from service.cli.interrupts import Interrupts
from service.cli.options import SettingsError, settings_of
from service.cli.outputs import STDOUT, OutputFailed, error_line, line_file, result_line, whole_file, write_line
from service.cli.pipeline import Pipeline
from service.cli.progress import ProgressLine
from service.cli.resume import announce, remaining, settle
from service.cli.sources import open_source
from service.cli.table import error_text, result_table
from service.errors import AttuneError, InternalError
from service.timeline.models import AnalysisResult

_PLAIN_WIDTH = 120
"""Columns where standard output is no terminal."""


def analyse_all(arguments: argparse.Namespace) -> int:
    """Analyse every input; 0 when all succeeded, else 1. What one input does wrong does not touch the others."""
    try:
        settings = settings_of()
    except SettingsError as error:
        arguments.parser.error(str(error))
    errors = _console(stderr=True)
    try:
        if arguments.resume:
            arguments.files = remaining(arguments.files, arguments.jsonl)
        with ExitStack() as stack:
            pipeline = stack.enter_context(Pipeline(settings, arguments.provider or settings.provider))
            lines = None
            if arguments.jsonl:
                lines = stack.enter_context(line_file(arguments.jsonl, append=arguments.resume))
            interrupts = stack.enter_context(Interrupts())
            code = _Batch(arguments, pipeline, lines, errors, interrupts).run()
        if arguments.resume:
            settle(arguments.jsonl)
        return code
    except AttuneError as error:
        errors.print(error_text("attune", error), soft_wrap=True)
    except BrokenPipeError:
        # Who read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        failed = OutputFailed(f"{error.strerror}.")
        errors.print(error_text(str(error.filename or "output"), failed), soft_wrap=True)
    return 1


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_PLAIN_WIDTH)


class _Batch:
    def __init__(
        self,
        arguments: argparse.Namespace,
        pipeline: Pipeline,
        lines: BinaryIO | None,
        errors: Console,
        interrupts: Interrupts,
    ) -> None:
        self._arguments = arguments
        self._pipeline = pipeline
        self._lines = lines
        self._errors = errors
        self._interrupts = interrupts
        self._announced = b""
        self._tables = _console(stderr=STDOUT in (arguments.json, arguments.jsonl))

    def run(self) -> int:
        done = [self._one(number, name) for number, name in enumerate(self._arguments.files, start=1)]
        return 0 if all(done) else 1

    def _one(self, number: int, name: str) -> bool:
        """Analyse one input and write what was asked for; whether that succeeded."""
        if self._lines is not None and self._arguments.resume:
            self._announced = announce(self._lines, name)
        try:
            result = self._analyse(number, name)
            self._interrupts.check()
        except AttuneError as error:
            self._interrupts.check()
            self._errors.print(error_text(name, error), soft_wrap=True)
            self._write(error_line(name, error))
            return False
        if not self._arguments.quiet:
            self._tables.print(result_table(name, result))
        self._write(result_line(name, result))
        if self._arguments.json is not None:
            with whole_file(self._arguments.json) as stream:
                write_line(stream, result.model_dump_json().encode())
        return self._arguments.report is None or self._report(name, result)

    def _write(self, line: bytes) -> None:
        if self._lines is not None:
            write_line(self._lines, line.removeprefix(self._announced))

    def _analyse(self, number: int, name: str) -> AnalysisResult:
        options = self._arguments
        try:
            with (
                open_source(name) as source,
                ProgressLine(self._errors, name, source, number=number, of=len(options.files)) as line,
            ):
                return self._pipeline.analyse(
                    source,
                    faces=options.faces,
                    horizon=options.horizon,
                    timeline_fps=options.timeline_fps,
                    progress=line.update,
                )
        except (AttuneError, BrokenPipeError):
            raise
        except Exception as error:
            self._errors.print(traceback.format_exc(), markup=False, soft_wrap=True)
            raise InternalError("The analysis failed unexpectedly; the lines above say where.") from error

    def _report(self, name: str, result: AnalysisResult) -> bool:
        from service.cli.report import write_report  # matplotlib takes a moment

        try:
            remarks = write_report(self._arguments.report, name, result, self._pipeline.decode)
        except AttuneError as error:
            self._errors.print(error_text(name, error), soft_wrap=True)
            return False
        for remark in remarks:
            self._errors.print(f"{self._arguments.report}: {remark}", markup=False, soft_wrap=True)
        return True
