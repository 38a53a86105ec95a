"""`attune key`: a new API key, and what the service is to know of it."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.cli.arguments import Commands


def add_command(commands: "Commands") -> None:
    """Add `key` to the command."""
    parser = commands.add_parser(
        "key",
        help="make an API key",
        description="Make an API key and print two lines: the key, which goes to its owner and is kept nowhere, and "
        "its entry for ATTUNE_API_KEYS, which holds no more than its hash. Entries are separated by commas.",
    )
    parser.add_argument("name", metavar="NAME", help="whose key it is: letters, digits, dots, dashes and underscores")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Make a key and print it."""
    from service.credentials import entry, new_key

    key = new_key()
    try:
        line = entry(arguments.name, key)
    except ValueError as error:
        arguments.parser.error(str(error))
    print(f"key   {key}\nentry {line}")  # noqa: T201 - a command
    return 0
