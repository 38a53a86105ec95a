"""The inputs of a batch: named one on each line of a file, and shared out among processes."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from service.cli.sources import printable


def read_manifest(name: str) -> list[str]:
    """The inputs named in a file, one on each line; empty lines are passed over. Raises OSError."""
    return [os.fsdecode(line) for line in Path(name).read_bytes().splitlines() if line.strip()]


def shard(text: str) -> slice:
    """The argument of `--shard`: `I/N` is every N-th input, the first of them number I, counted from 0."""
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"{text} is not I/N with 0 <= I < N")
    return slice(int(index), None, int(count))


def named_twice(files: Sequence[str]) -> str | None:
    """An input that is there more than once, as results name it; None where there is none."""
    return next((source for source, count in Counter(map(printable, files)).items() if count > 1), None)
