"""`attune serve`: the HTTP service, with every setting as an option or a variable."""

import argparse
from typing import TYPE_CHECKING

from service.cli.options import SettingsError, add_settings, settings_of

if TYPE_CHECKING:
    from service.cli.analyze import Commands


def add_command(commands: "Commands") -> None:
    """Add `serve` to the command."""
    parser = commands.add_parser(
        "serve",
        help="run the HTTP service",
        description="Run the HTTP service. Every setting is an option or an environment variable; the option wins.",
    )
    add_settings(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    try:
        settings = settings_of(arguments)
    except SettingsError as error:
        arguments.parser.error(str(error))
    from service.api import serve

    serve(settings)
    return 0
