"""compose.yaml: valid, and in agreement with everything that it puts together."""

import re
import subprocess
import sys
from copy import deepcopy
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from service import __version__
from service.settings import SESSIONS_PER_CORE, Settings

FOLDER = Path(__file__).parent.parent.parent / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REPLICAS = {name: service for name, service in SERVICES.items() if name.startswith("attune-")}
ADMIN_PORT = int(next(iter(REPLICAS.values()))["environment"]["ATTUNE_ADMIN_PORT"])
GIB = 2**30
API_PROCESS, DECODER = 0.5 * GIB, 0.3 * GIB
"""As in tests/k8s/test_pod.py: resident memory with a margin of half."""


def _read(*parts: str) -> Any:
    return yaml.safe_load(FOLDER.joinpath(*parts).read_text())


def _mounts(service: dict[str, Any]) -> dict[str, str]:
    """What is mounted by where it is mounted."""
    pairs = (volume.removesuffix(":ro").rsplit(":", 1) for volume in service.get("volumes", ()))
    return {target: source for source, target in pairs}


def _bytes(text: str) -> int:
    return int(text[:-1]) * {"m": 2**20, "g": GIB}[text[-1]]


def _tmpfs(service: dict[str, Any]) -> list[list[str]]:
    """Where memory file systems are, and their options."""
    return [entry.split(":") for entry in service["tmpfs"]]


def _settings() -> Settings:
    """The replicas' settings, with something in the place of what docker/.env gives."""
    given: dict[str, str] = next(iter(REPLICAS.values()))["environment"]
    secrets = {"ATTUNE_API_KEYS": f"somebody={'0' * 64}", "ATTUNE_CHECKPOINT_KEY": "only for this test"}
    assert {name for name, value in given.items() if value.startswith("${")} == set(secrets)
    values = {**given, **secrets}
    return Settings.model_validate({name.removeprefix("ATTUNE_").lower(): value for name, value in values.items()})


def test_the_file_is_valid_by_the_schema_of_the_compose_specification() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    found = subprocess.run([*check, FOLDER / "compose.yaml"], check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_two_replicas_differ_in_their_address_and_in_who_builds_their_image_alone() -> None:
    one, other = (deepcopy(replica) for replica in REPLICAS.values())
    assert one["networks"]["attune"].pop("ipv4_address") != other["networks"]["attune"].pop("ipv4_address")
    # Two services that build one tag fail where Compose builds them at once (bake, since 2.38): "already exists".
    assert one["image"] == f"attune:{__version__}-{one.pop('build')['target']}"
    assert other.pop("pull_policy") == "never", "or a registry is asked for what only attune-1 makes"
    assert one == other


def test_what_a_replica_writes_and_decodes_fits_into_its_memory() -> None:
    settings = _settings()
    for replica in REPLICAS.values():
        volumes = {path: dict(part.split("=") for part in options.split(",")) for path, options in _tmpfs(replica)}
        assert volumes.keys() == {"/tmp", str(settings.spool_dir)}  # noqa: S108
        room = {path: _bytes(options["size"]) for path, options in volumes.items()}
        assert settings.max_analyses * settings.max_spool_bytes <= room[str(settings.spool_dir)]
        limits = replica["deploy"]["resources"]["limits"]
        cores = int(re.fullmatch(r"\$\{ATTUNE_CPUS:-(\d+)\}", limits["cpus"])[1])  # type: ignore[index]
        # One decoder that runs wild meets its own bound first.
        others = API_PROCESS + cores * DECODER
        assert sum(room.values()) + settings.worker_memory_bytes + others <= _bytes(limits["memory"])
        # As sized by the benchmark (tests/test_sizing.py).
        assert settings.max_sessions == SESSIONS_PER_CORE * cores


def test_what_the_replicas_are_told_are_settings_of_the_service() -> None:
    settings = _settings()
    assert settings.admin_port == ADMIN_PORT
    assert not settings.for_this_machine


def test_a_replica_gets_the_time_that_it_takes_to_leave() -> None:
    settings = _settings()
    for replica in REPLICAS.values():
        grace = int(replica["stop_grace_period"].removesuffix("s"))
        assert grace >= settings.drain_delay + settings.shutdown_grace + 20  # docs/operations.md: to be gone


def test_nginx_sends_to_the_replicas_and_drains_take_longer_than_it_leaves_them_alone() -> None:
    upstream = (FOLDER / "nginx" / "upstream.conf").read_text()
    servers = re.findall(r"(?m)^server (\S+):(\d+) .*fail_timeout=(\d+)s", upstream)
    addresses = {replica["networks"]["attune"]["ipv4_address"] for replica in REPLICAS.values()}
    assert {address for address, _, _ in servers} == addresses
    settings = _settings()
    assert {int(port) for _, port, _ in servers} == {settings.port}
    assert all(int(seconds) < settings.drain_delay for _, _, seconds in servers)


def test_prometheus_asks_the_replicas_admin_ports() -> None:
    jobs = _read("prometheus", "prometheus.yml")["scrape_configs"]
    targets = {target for job in jobs for config in job.get("static_configs", ()) for target in config["targets"]}
    assert {f"{name}:{ADMIN_PORT}" for name in REPLICAS} <= targets
    assert {target.split(":")[0] for target in targets} <= {*SERVICES, "localhost"}


def test_grafana_finds_its_data_source_and_its_dashboards() -> None:
    [source] = _read("grafana", "provisioning", "datasources", "prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = _read("grafana", "provisioning", "dashboards", "attune.yaml")["providers"]
    shown = _mounts(SERVICES["grafana"])[provider["options"]["path"]]
    [dashboard] = (FOLDER / shown).glob("*.json")
    assert f'"{source["uid"]}"' in dashboard.read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "network_mode", "devices"} & set(service)
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_says_whether_it_is_well(name: str) -> None:
    if name in REPLICAS:
        assert "HEALTHCHECK" in (FOLDER / "Dockerfile").read_text()
        assert "healthcheck" not in SERVICES[name]
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_addresses_of_the_replicas_lie_in_the_subnet() -> None:
    [config] = COMPOSE["networks"]["attune"]["ipam"]["config"]
    for replica in REPLICAS.values():
        assert ip_address(replica["networks"]["attune"]["ipv4_address"]) in ip_network(config["subnet"])


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_container_mounts_is_there_and_not_writable_for_it(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (FOLDER / source).exists(), source
            assert volume.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_replicas_have_no_way_out_and_what_is_published_is_published_on_loopback() -> None:
    networks = COMPOSE["networks"]
    assert all(networks[name]["internal"] for replica in REPLICAS.values() for name in replica["networks"])
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"nginx", "grafana"}
    assert all(re.fullmatch(r"\$\{[A-Z_]+:-127\.0\.0\.1:\d+\}:\d+", port) for [port] in published.values())
