"""What the ConfigMap and the Secret hold, held against the settings of the service."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from k8s.rendering import K8S, OVERLAYS, PRODUCTION, ROOT, Manifests, readme_block, render

from service.cli.options import SettingsError, settings_of
from service.credentials import entry, new_key
from service.settings import Settings

Rendered = Callable[[str], Manifests]

PREFIX = "ATTUNE_"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Sets the variables that a container gets."""

    def use(variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return use


def _with_keys(variables: dict[str, str]) -> dict[str, str]:
    keys = {"ATTUNE_API_KEYS": entry("web", new_key()), "ATTUNE_CHECKPOINT_KEY": "a key for all of the replicas"}
    return variables | {name: value for name, value in keys.items() if name in variables}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_a_setting_and_its_value_is_taken(
    rendered: Rendered, environment: Callable[[dict[str, str]], None], overlay: str
) -> None:
    variables = _with_keys(rendered(overlay).environment)
    assert {name.removeprefix(PREFIX).lower() for name in variables} <= Settings.model_fields.keys()
    assert all(name.startswith(PREFIX) for name in variables)
    environment(variables)
    settings = settings_of()
    assert settings.model_fields_set == {name.removeprefix(PREFIX).lower() for name in variables}


@pytest.mark.parametrize("overlay", PRODUCTION)
@pytest.mark.parametrize("name", ["ATTUNE_API_KEYS", "ATTUNE_CHECKPOINT_KEY"])
def test_the_empty_secret_of_the_repository_starts_no_service(
    rendered: Rendered, environment: Callable[[dict[str, str]], None], overlay: str, name: str
) -> None:
    variables = rendered(overlay).environment
    assert variables[name] == ""
    environment(_with_keys(variables) | {name: ""})
    with pytest.raises(SettingsError, match=name):
        settings_of()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_come_from_the_secret_alone_and_are_not_optional(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    secret = {variable["name"] for variable in manifests.container["env"]}
    assert secret <= {"ATTUNE_API_KEYS", "ATTUNE_CHECKPOINT_KEY"}
    assert not {"ATTUNE_API_KEYS", "ATTUNE_CHECKPOINT_KEY"} & manifests.one("ConfigMap")["data"].keys()
    for variable in manifests.container["env"]:
        assert "optional" not in variable["valueFrom"]["secretKeyRef"]


@pytest.mark.parametrize("overlay", PRODUCTION)
def test_production_asks_for_keys_and_logs_json(
    rendered: Rendered, environment: Callable[[dict[str, str]], None], overlay: str
) -> None:
    environment(_with_keys(rendered(overlay).environment))
    settings = settings_of()
    assert settings.keys()
    assert not settings.allow_anonymous
    assert settings.log_format == "json"


def test_a_changed_setting_rolls_the_pods(kubectl: str, tmp_path: Path) -> None:
    tree = shutil.copytree(K8S, tmp_path / "k8s")
    before = render(kubectl, tree / "overlays" / "cpu").container["envFrom"]
    settings = tree / "base" / "settings.env"
    settings.write_text(settings.read_text().replace("ATTUNE_MAX_SESSIONS=12", "ATTUNE_MAX_SESSIONS=11"))
    assert render(kubectl, tree / "overlays" / "cpu").container["envFrom"] != before


def test_the_overlay_that_the_readme_shows_gives_real_keys_and_an_image_of_a_registry(
    kubectl: str, tmp_path: Path, environment: Callable[[dict[str, str]], None]
) -> None:
    tree = shutil.copytree(K8S, tmp_path / "k8s")
    site = tree / "overlays" / "site"
    site.mkdir()
    (site / "kustomization.yaml").write_text(readme_block("behavior: replace"))
    (site / "keys.env").write_text(
        f"api-keys={entry('web', new_key())}\ncheckpoint-key=a key for all of the replicas\n"
    )
    manifests = render(kubectl, site)
    environment(manifests.environment)
    settings = settings_of()
    assert [key.name for key in settings.keys()] == ["web"]  # noqa: SIM118  a method of the settings
    assert manifests.container["image"].startswith("registry.example.com/")
    assert len(manifests.all("Secret")) == 1
    assert manifests.one("HTTPRoute")["spec"]["hostnames"] == ["attune.my-company.example"]


@pytest.mark.parametrize("path", ["k8s/overlays/site/keys.env", "k8s/overlays/site/kustomization.yaml", "k8s/keys.env"])
def test_what_an_installation_adds_is_never_committed_by_accident(program: Callable[..., str], path: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    assert subprocess.run([program("git"), "check-ignore", "--quiet", path], cwd=ROOT, check=False).returncode == 0
