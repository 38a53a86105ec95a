"""What `attune watch` does, here or on a server."""

import argparse
import asyncio
import os
import sys

from rich.console import Console

from service.cli.options import SettingsError, settings_of
from service.cli.table import error_text
from service.cli.watch_view import View
from service.errors import AttuneError

_PLAIN_WIDTH = 120
"""Columns where standard output is no terminal."""


def watch(arguments: argparse.Namespace) -> int:
    """Watch until the source ends or Ctrl-C; 0 after a summary, else 1."""
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    try:
        with View(console, arguments.source) as view:
            if arguments.url:
                from service.cli.watch_remote import watch_there

                asyncio.run(watch_there(arguments, view))
            else:
                from service.cli.watch_local import watch_here

                watch_here(arguments, settings_of(), view)
        return 0
    except SettingsError as error:
        arguments.parser.error(str(error))
    except AttuneError as error:
        errors.print(error_text(arguments.source, error), soft_wrap=True)
    except BrokenPipeError:
        # Who read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
