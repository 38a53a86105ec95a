"""The service's settings as options of the command, made from the one class that declares them."""

import argparse
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from service.settings import Settings

PREFIX = str(Settings.model_config["env_prefix"])


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each one as its option and its variable."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add one option for each setting; `settings_of` reads them back."""
    for name, field in Settings.model_fields.items():
        parser.add_argument(
            option(name), dest=name, metavar=_metavar(name, field), default=argparse.SUPPRESS, help=_help(name, field)
        )


def settings_of(arguments: argparse.Namespace | None = None) -> Settings:
    """Settings from the options given, then the environment, then the defaults. Raises `SettingsError`."""
    given = {} if arguments is None else {n: v for n, v in vars(arguments).items() if n in Settings.model_fields}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [f"{_source(str(e['loc'][0]), given)}: {e['msg']}, not {e['input']!r}" for e in error.errors()]
        raise SettingsError("; ".join(problems)) from error


def option(name: str) -> str:
    """The option of the setting `name`."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def _source(name: str, given: dict[str, Any]) -> str:
    return option(name) if name in given else variable(name)


def _metavar(name: str, field: FieldInfo) -> str:
    choices = getattr(field.annotation, "__args__", ())
    return (
        "|".join(choices) if choices and all(isinstance(c, str) for c in choices) else name.rsplit("_", 1)[-1].upper()
    )


def _help(name: str, field: FieldInfo) -> str:
    default = "" if field.default_factory or field.default is None else f"default {field.default}; "
    # argparse would take a percent sign for a format.
    return f"{field.description} [{default}{variable(name)}]".replace("%", "%%")
