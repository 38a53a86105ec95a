"""The command `attune`.

Only what the chosen subcommand needs is imported, so that `attune --help` answers at once.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from service import __version__
from service.heaps import share_heaps

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as shells have it."""

_STDERR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; `argv` defaults to the process's arguments. Returns the exit code, or exits with 2 on misuse."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        print("attune: interrupted", file=sys.stderr)  # noqa: T201 - a command
        return INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    from service.cli import analyze, key, serve, watch

    if sys.stderr is None:
        _open_stderr()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 must not stop the analysis
    words = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(
        prog="attune",
        description="Which emotion a person on camera expresses, when, and on what evidence. "
        "The numbers estimate expressed emotion, never what somebody feels.",
    )
    parser.add_argument("--version", action="version", version=f"attune {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    analyze.add_command(commands)
    watch.add_command(commands)
    serve.add_command(commands, with_settings="serve" in words)
    key.add_command(commands)
    arguments = parser.parse_args(words)
    share_heaps()
    return int(arguments.run(arguments))


def _open_stderr() -> None:
    """Lead standard error, which the caller has closed, nowhere.

    The next file opened would else take its number, and with it all that native code says there.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    if null != _STDERR:
        os.dup2(null, _STDERR)
        os.close(null)
    os.set_inheritable(_STDERR, True)
    sys.stderr = os.fdopen(_STDERR, "w", encoding="utf-8", closefd=False)
