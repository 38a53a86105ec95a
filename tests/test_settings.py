"""Settings from the environment, and the cores that defaults follow."""

import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from service.cli.options import SettingsError, settings_of
from service.credentials import ApiKey, digest_of, entry
from service.media import MediaLimits
from service.settings import Settings, available_cores


def test_every_setting_is_described_and_has_a_default() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert not field.is_required(), name


def test_a_setting_comes_from_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_PORT", "9001")
    monkeypatch.setenv("ATTUNE_SPOOL_DIR", "/dev/shm")  # noqa: S108
    settings = Settings()
    assert (settings.port, settings.spool_dir) == (9001, Path("/dev/shm"))  # noqa: S108


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_MAX_ANALYSES", "3")
    assert Settings(max_analyses=5).max_analyses == 5


@pytest.mark.parametrize(
    ("name", "value"), [("workers", 0), ("port", 70_000), ("max_duration", 0), ("provider", "tpu")]
)
def test_a_value_out_of_bounds_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_limits_reach_the_decoder() -> None:
    settings = Settings(max_upload_bytes=1, max_duration=2, max_pixels=3, max_frame_rate=4, max_spool_bytes=5)
    assert settings.media_limits() == MediaLimits(1, 2, 3, 4, 5)


def test_a_session_is_bounded_by_its_time_and_by_what_bounds_uploads_but_not_by_its_bytes() -> None:
    settings = Settings(max_upload_bytes=1, max_session_duration=2, max_pixels=3, max_frame_rate=4, max_spool_bytes=5)
    assert settings.session_limits() == MediaLimits(sys.maxsize, 2, 3, 4, 5)


def test_keys_and_origins_are_lists_and_the_signing_key_is_not() -> None:
    assert (Settings().keys(), Settings().origins(), Settings().checkpoint_key) == ((), frozenset(), None)
    settings = Settings(
        api_keys=SecretStr(f" {entry('web', 'attune_one')},{entry('app', 'attune_two')} , "),
        allowed_origins="https://a.example/, http://b.example:8080",
        checkpoint_key=SecretStr("a phrase, with a comma"),
    )
    assert settings.keys() == (ApiKey("web", digest_of("attune_one")), ApiKey("app", digest_of("attune_two")))
    assert settings.origins() == {"https://a.example", "http://b.example:8080"}
    assert settings.checkpoint_key is not None
    assert settings.checkpoint_key.get_secret_value() == "a phrase, with a comma"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("checkpoint_key", "tiny-secret", "at least 16 characters"),
        ("api_keys", "attune_a-secret-key", "`attune key NAME` makes one"),
        ("api_keys", "web=attune_a-secret-key", "`attune key NAME` makes one"),
    ],
)
def test_a_secret_that_is_weak_or_in_the_wrong_place_is_refused_without_being_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"ATTUNE_{name.upper()}", value)
    with pytest.raises(SettingsError, match=reason) as caught:
        settings_of()
    assert f"ATTUNE_{name.upper()}" in str(caught.value)
    assert "secret" not in str(caught.value).lower().replace("secretstr", "")


def test_no_keys_where_some_are_asked_for_is_a_mistake_and_not_an_open_door() -> None:
    with pytest.raises(ValidationError, match="there is no key"):
        Settings(api_keys=SecretStr(" , "))


@pytest.mark.parametrize(
    "origin",
    [
        "example.org",
        "https://example.org/app",
        "https://",
        "ftp://a.example",
        "null",
        "https://a.example:443",
        "http://a.example:80",
        "https://bücher.example",
    ],
)
def test_an_origin_that_no_page_can_have_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        Settings(allowed_origins=f"https://a.example,{origin}")
    assert Settings(allowed_origins="HTTPS://A.example:8443/ ,http://[::1]:9,*").origins() == {
        "https://a.example:8443",
        "http://[::1]:9",
        "*",
    }


def test_settings_do_not_show_their_secrets() -> None:
    line = entry("web", "attune_one")
    shown = repr(Settings(api_keys=SecretStr(line), checkpoint_key=SecretStr("long-enough-key-1")))
    assert "long-enough" not in shown
    assert line not in shown


def test_a_service_is_for_this_machine_unless_it_has_keys_or_is_told_otherwise() -> None:
    assert Settings().for_this_machine
    assert not Settings(allow_anonymous=True).for_this_machine
    assert not Settings(api_keys=SecretStr(entry("web", "attune_one"))).for_this_machine


def test_cores_follow_the_quota_of_either_version_of_control_groups(tmp_path: Path) -> None:
    everything = available_cores(tmp_path)  # no control group: the affinity alone
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    quota = tmp_path / "cpu/cpu.cfs_quota_us"
    quota.write_text("-1\n")
    assert available_cores(tmp_path) == everything
    quota.write_text("50000\n")
    assert available_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert available_cores(tmp_path) == everything
    (tmp_path / "cpu.max").write_text("110000 100000\n")
    assert available_cores(tmp_path) == min(2, everything)
