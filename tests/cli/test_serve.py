import pytest

from service.cli import main
from service.settings import Settings


def test_serve_hands_the_settings_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    import service.api

    served: list[Settings] = []
    monkeypatch.setattr(service.api, "serve", served.append)
    monkeypatch.setenv("ATTUNE_MAX_DURATION", "60")
    assert main(["serve", "--port", "0", "--log-level", "warning"]) == 0
    assert [(s.port, s.log_level, s.max_duration) for s in served] == [(0, "warning", 60.0)]


def test_a_bad_setting_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--max-analyses", "0"])
    assert ended.value.code == 2
    assert "--max-analyses" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "attune.example"])  # noqa: S104
def test_without_keys_the_service_does_not_start_where_others_reach_it(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "0", "--host", host])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    for way_out in ("--host", "ATTUNE_HOST", "ATTUNE_API_KEYS", "attune key", "--allow-anonymous true"):
        assert way_out in said
    assert repr(host) in said


def test_help_lists_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "--max-duration" in shown
    assert "ATTUNE_MAX_DURATION" in shown
