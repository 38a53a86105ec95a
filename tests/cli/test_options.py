import argparse
from pathlib import Path

import pytest

from service.cli.options import SettingsError, add_settings, option, settings_of, variable
from service.settings import Settings


def _parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_settings(parser)
    return parser.parse_args(argv)


def test_every_setting_is_an_option_described_with_its_variable() -> None:
    parser = argparse.ArgumentParser()
    add_settings(parser)
    text = " ".join(parser.format_help().split())
    for name, field in Settings.model_fields.items():
        assert f"{option(name)} " in text
        assert variable(name) in text.replace("- ", "-")
        assert field.description is not None
        assert " ".join(field.description.split()[:4]) in text


def test_an_option_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_PORT", "1111")
    monkeypatch.setenv("ATTUNE_MAX_DURATION", "12.5")
    settings = settings_of(_parsed("--port", "2222", "--spool-dir", "spool"))
    assert settings.port == 2222
    assert settings.max_duration == 12.5
    assert settings.spool_dir == Path("spool")


def test_what_is_not_given_has_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    assert settings_of(_parsed()) == Settings()


def test_a_bad_value_names_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"--port: .*70000"):
        settings_of(_parsed("--port", "70000"))
    monkeypatch.setenv("ATTUNE_MAX_DURATION", "soon")
    with pytest.raises(SettingsError, match=r"ATTUNE_MAX_DURATION: .*soon"):
        settings_of()
