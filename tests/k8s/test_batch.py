"""The Job of k8s/batch: what its pods run is run here, and what runs in its place elsewhere is the same."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from k8s.rendering import K8S, ROOT, quantity, render
from media.clips import Clip, write_clip

from examples import ray_data

PATIENCE = 240
INDEX = "$(JOB_COMPLETION_INDEX)"


@pytest.fixture(scope="module")
def job(kubectl: str) -> dict[str, Any]:
    """As it is shipped."""
    return render(kubectl, K8S / "batch").one("Job")


def _pod(job: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def _container(job: dict[str, Any]) -> dict[str, Any]:
    [container] = _pod(job)["containers"]
    found: dict[str, Any] = container
    return found


def _environment(job: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in _container(job)["env"]}


def test_shards_are_as_many_as_completions_wherever_that_number_is_changed(kubectl: str, tmp_path: Path) -> None:
    shutil.copytree(K8S / "batch", tmp_path / "batch")
    file = tmp_path / "batch" / "job.yaml"
    file.write_text(re.sub(r"completions: \d+", "completions: 64", file.read_text()))
    for folder, count in ((K8S / "batch", 16), (tmp_path / "batch", 64)):
        job = render(kubectl, folder).one("Job")
        assert job["spec"]["completions"] == count
        assert f"--shard={INDEX}/{count}" in _container(job)["args"]


def test_what_its_pods_run_analyses_each_recording_once(kubectl: str, tmp_path: Path) -> None:
    folder, recordings, results = (tmp_path / name for name in ("batch", "recordings", "results"))
    shutil.copytree(K8S / "batch", folder)
    (folder / "job.yaml").write_text(re.sub(r"completions: \d+", "completions: 2", (folder / "job.yaml").read_text()))
    job = render(kubectl, folder).one("Job")
    for made in (recordings, results):
        made.mkdir()
    names = [f"{number}.mp4" for number in range(3)]
    for name in names:
        (recordings / name).write_bytes(write_clip(Clip(seconds=0.4)))
    (recordings / "manifest.txt").write_text("\n".join([*names, "broken.mp4"]))
    (recordings / "broken.mp4").write_text("This is no video.")

    def run(index: int) -> int:
        arguments = [
            argument.replace(INDEX, str(index))
            .replace("/recordings", str(recordings))
            .replace("/results", str(results))
            for argument in _container(job)["args"]
        ]
        done = subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            cwd=_container(job)["workingDir"].replace("/recordings", str(recordings)),
            env={**os.environ, **_environment(job), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.stdout == b"", "what people express does not belong into logs"
        return done.returncode

    assert [run(0), run(1)] == [0, 1]
    lines = {
        file.name: [json.loads(line)["source"] for line in file.read_bytes().splitlines()] for file in results.iterdir()
    }
    assert lines == {"0.jsonl": ["0.mp4", "2.mp4"], "1.jsonl": ["1.mp4", "broken.mp4"]}


def test_each_exit_code_has_its_rule(job: dict[str, Any]) -> None:
    rules = job["spec"]["podFailurePolicy"]["rules"]
    assert rules[0] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    codes = {rule["action"]: rule["onExitCodes"]["values"] for rule in rules[1:]}
    assert codes == {"FailJob": [2], "FailIndex": [1]}, "misuse; an input failed"
    assert job["spec"]["backoffLimitPerIndex"] > 0, "anything else: the process was killed"
    assert job["spec"]["podReplacementPolicy"] == "Failed", "one process for each shard's file"
    assert _pod(job)["restartPolicy"] == "Never"


def test_a_recording_that_is_too_large_fails_by_its_limit_and_not_by_eviction(job: dict[str, Any]) -> None:
    [tmp] = [volume for volume in _pod(job)["volumes"] if volume["name"] == "tmp"]
    room = quantity(tmp["emptyDir"]["sizeLimit"])
    assert int(_environment(job)["ATTUNE_MAX_SPOOL_BYTES"]) < room
    assert room <= quantity(_container(job)["resources"]["limits"]["ephemeral-storage"])


def test_its_pods_are_restricted_and_are_not_the_services(job: dict[str, Any], kubectl: str) -> None:
    pod, context = _pod(job), _container(job)["securityContext"]
    assert not pod["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"], "ATTUNE_PORT would not be a number"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    policy = render(kubectl, K8S / "batch").one("NetworkPolicy")
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"] == {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress", "Egress"]}
    service = render(kubectl, K8S / "overlays" / "cpu").one("Service", "attune")
    assert not service["spec"]["selector"].items() <= labels.items()


def test_argo_runs_what_the_job_runs(job: dict[str, Any]) -> None:
    workflow = yaml.safe_load((ROOT / "examples" / "argo.yaml").read_text())["spec"]
    shards, analyse = workflow["templates"]
    [[step]] = shards["steps"]
    assert step["template"] == analyse["name"]
    assert int(step["withSequence"]["count"]) == job["spec"]["completions"]
    container = analyse["container"]
    shard = f"{{{{inputs.parameters.{analyse['inputs']['parameters'][0]['name']}}}}}"
    assert [argument.replace(shard, INDEX) for argument in container["args"]] == _container(job)["args"]
    for name in ("image", "workingDir", "env", "resources", "securityContext", "volumeMounts"):
        assert container[name] == _container(job)[name], name
    assert workflow["volumes"] == _pod(job)["volumes"]
    assert int(analyse["retryStrategy"]["limit"]) == job["spec"]["backoffLimitPerIndex"]


def test_ray_runs_what_the_job_runs(job: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter((0, 1, 2, -9))
    commands: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        assert not check
        commands.append(command)
        return subprocess.CompletedProcess(command, next(codes))

    monkeypatch.setattr(subprocess, "run", run)
    options = {"manifest": "/recordings/manifest.txt", "results": "/results", "shards": 16}
    for code in (0, 1, 2):
        assert ray_data.analyse({"id": 3}, **options) == {"shard": 3, "exit_code": code}  # type: ignore[arg-type]
    with pytest.raises(subprocess.CalledProcessError):
        ray_data.analyse({"id": 3}, **options)  # type: ignore[arg-type]
    assert commands == [["attune", *(argument.replace(INDEX, "3") for argument in _container(job)["args"])]] * 4
