"""`attune serve`: the HTTP service, with every setting as an option or a variable."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.cli.arguments import Commands


def add_command(commands: "Commands", *, with_settings: bool) -> None:
    """Add `serve` to the command; `with_settings` where it is to be run, since they take a moment to import."""
    parser = commands.add_parser(
        "serve",
        help="run the HTTP service",
        description="Run the HTTP service. Every setting is an option or an environment variable; the option wins.",
    )
    if with_settings:
        from service.cli.options import add_settings

        add_settings(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from service.cli.options import SettingsError, settings_of

    try:
        settings = settings_of(arguments)
    except SettingsError as error:
        arguments.parser.error(str(error))
    from service.api import OpenToAll, serve

    try:
        serve(settings)
    except OpenToAll as error:
        arguments.parser.error(str(error))
    return 0
