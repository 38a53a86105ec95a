"""What apt brings for the tests starts nothing on the machine of whoever runs them."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts import system_packages
from scripts.system_packages import NEVER, main, no_daemon_starts, units_to_disable

OWN = "#!/bin/sh\nexit 104\n"

# apt as a package sees it: what the policy says is asked while it runs.
APT = """#!/bin/sh
echo "$@" >> "$TOLD"
{ "$POLICY"; echo "policy $?"; } >> "$TOLD"
exit "$CODE"
"""
SYSTEMCTL = """#!/bin/sh
echo systemctl "$@" >> "$TOLD"
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Where the policy goes; there is none."""
    return tmp_path / "policy-rc.d"


def test_packages_are_told_to_start_nothing_while_they_are_installed(policy: Path) -> None:
    with no_daemon_starts(policy):
        assert subprocess.run([policy, "nginx", "start"], check=False).returncode == 101
    assert not policy.exists()


def test_the_policy_goes_whatever_happens(policy: Path) -> None:
    with pytest.raises(KeyboardInterrupt), no_daemon_starts(policy):
        raise KeyboardInterrupt
    assert not policy.exists()


def test_a_policy_of_the_machines_owner_stays(policy: Path) -> None:
    policy.write_text(OWN)
    with no_daemon_starts(policy):
        assert policy.read_text() == OWN
    assert policy.read_text() == OWN


def test_a_policy_that_a_killed_run_left_goes(policy: Path) -> None:
    policy.write_text(NEVER)
    with no_daemon_starts(policy):
        assert os.access(policy, os.X_OK)
    assert not policy.exists()


def test_daemons_that_were_installed_do_not_start_at_the_next_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_packages, "present", lambda package: package != "haproxy")
    assert units_to_disable(["nginx", "curl", "haproxy"], tmp_path) == ["nginx.service"]
    assert units_to_disable(["nginx"], tmp_path / "no systemd") == []


@pytest.mark.parametrize("code", [0, 100])
def test_only_what_was_missing_is_installed_and_kept_from_starting(
    code: int, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told"
    for name, text in {"apt-get": APT, "systemctl": SYSTEMCTL}.items():
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for variable, value in {"TOLD": told, "POLICY": policy, "CODE": code}.items():
        monkeypatch.setenv(variable, str(value))
    monkeypatch.setattr(system_packages, "POLICY", policy)
    monkeypatch.setattr(system_packages, "SYSTEMD", tmp_path)
    monkeypatch.setattr(system_packages, "present", lambda package: package == "haproxy" or told.exists())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main(["nginx", "haproxy", "curl"]) == 0
    installed = ["install --yes --no-install-recommends nginx curl", "policy 101"] if code == 0 else []
    assert told.read_text().splitlines() == ["update", "policy 101", *installed, "systemctl disable nginx.service"]
    assert not policy.exists()
    assert ("nginx, curl" in capsys.readouterr().err) == (code != 0)
