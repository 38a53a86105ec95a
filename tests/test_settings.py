"""Settings from the environment, and the cores that defaults follow."""

from pathlib import Path

import pytest
from pydantic import ValidationError

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
