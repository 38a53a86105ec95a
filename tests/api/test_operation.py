"""Health, metrics, the model, the documentation, and errors of no particular route."""

import asyncio
import json
import os
import re
import signal
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import httpx
import pytest
from api.harness import PATIENCE, Running, chunk, read_until, wait_until
from fastapi import FastAPI

from service.api import create_app, problems
from service.representation import LABELS
from service.settings import Settings


def ask(app: FastAPI, method: str, path: str) -> httpx.Response:
    """One request to an application that was never started."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path)

    return asyncio.run(send())


def test_a_service_that_has_not_started_is_live_and_not_ready() -> None:
    app = create_app(Settings())
    assert ask(app, "GET", "/health/live").status_code == 200
    for method, path in (("GET", "/health/ready"), ("POST", "/v1/analyses"), ("GET", "/v1/model"), ("GET", "/metrics")):
        response = ask(app, method, path)
        assert response.status_code == 503
        assert response.json()["code"] == "unavailable"
        assert int(response.headers["retry-after"]) >= 1


def test_a_running_service_is_ready_and_not_while_it_has_no_worker(running: Running) -> None:
    assert running.client.get("/health/live").json() == {"status": "live"}
    assert running.client.get("/health/ready").json() == {"status": "ready"}
    [worker] = running.service.pool.pids
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: running.client.get("/health/ready").status_code == 503)
    wait_until(lambda: running.client.get("/health/ready").status_code == 200)


def test_an_analysis_is_counted(running: Running, clip: bytes) -> None:
    before = running.metric('attune_analyses_total{outcome="ok"}')
    received = running.metric("attune_received_bytes_total")
    seconds = running.metric("attune_media_seconds_total")
    assert running.analyse(clip).status_code == 200
    assert running.metric('attune_analyses_total{outcome="ok"}') == before + 1
    assert running.metric("attune_received_bytes_total") == received + len(clip)
    assert running.metric("attune_media_seconds_total") > seconds + 1.5
    assert running.metric("attune_active_analyses") == 0


def test_the_time_in_the_model_does_not_contain_the_wait_for_a_thread(running: Running, clip: bytes) -> None:
    def outside_the_model() -> float:
        in_the_model = running.metric('attune_inference_seconds_sum{kind="analysis"}')
        return running.metric("attune_analysis_seconds_sum") - in_the_model

    before, held, release = outside_the_model(), 1.5, threading.Event()
    settings = running.service.settings
    threads = settings.max_analyses + settings.max_sessions
    blockers = [running.service.threads.submit(release.wait, PATIENCE) for _ in range(threads)]
    try:
        with running.upload(clip, accept="application/json") as connection:
            connection.sendall(chunk(b""))
            wait_until(lambda: running.metric("attune_active_analyses") == 1)
            time.sleep(held)
            release.set()
            assert read_until(connection, b"\r\n").startswith(b"HTTP/1.1 200 ")
    finally:
        release.set()
        wait(blockers)
    running.wait_for_idle()
    assert outside_the_model() - before >= held


def test_the_model_is_described(running: Running) -> None:
    card = running.client.get("/v1/model").json()
    assert card["labels"] == list(LABELS)
    assert card["provider"] == "cpu"
    assert card["sample_rate"] == 16_000
    assert card["name"]
    assert card["version"]
    assert card["training_data"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/analyses", 405, "method_not_allowed"),
        ("DELETE", "/health/live", 405, "method_not_allowed"),
        ("GET", "/../settings.py", 404, "not_found"),
        ("GET", "/%2e%2e/settings.py", 404, "not_found"),
    ],
)
def test_errors_of_no_particular_route_are_problems_too(
    running: Running, method: str, path: str, status: int, code: str
) -> None:
    response = running.client.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert status != 405 or response.headers["allow"]


def test_a_defect_is_answered_without_its_internals() -> None:
    async def broken() -> None:
        raise RuntimeError("secret of the house")

    app = FastAPI()
    app.get("/broken")(broken)
    problems.install(app)
    response = ask(app, "GET", "/broken")
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert "secret" not in response.text


def test_the_schema_names_every_code_and_the_unit_of_every_option(running: Running) -> None:
    schema = running.client.get("/openapi.json").json()
    operation = schema["paths"]["/v1/analyses"]["post"]
    assert set(operation["responses"]) == {"200", "401", "403", "408", "413", "415", "421", "422", "429", "500", "503"}
    for status, response in operation["responses"].items():
        if status != "200":
            assert response["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
            assert re.search(r"`[a-z_]+`:", response["description"])
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert set(operation["requestBody"]["content"]) >= {"multipart/form-data", "application/octet-stream", "video/*"}
    options = {option["name"]: option["description"] for option in operation["parameters"]}
    assert options.keys() == {"faces", "timeline_fps", "horizon"}
    assert "per second" in options["timeline_fps"]
    assert "Seconds" in options["horizon"]
    assert "HTTPValidationError" not in json.dumps(schema["paths"])


def test_the_schema_says_what_every_other_path_answers(running: Running) -> None:
    paths = running.client.get("/openapi.json").json()["paths"]
    answers = {path: operations["get"]["responses"] for path, operations in paths.items() if "get" in operations}
    assert {path for path in answers if "503" in answers[path]} == {"/v1/model", "/health/ready", "/metrics"}
    assert set(answers["/metrics"]["200"]["content"]) == {"text/plain"}
    for path in answers:
        kind = running.client.get(path).headers["content-type"]
        assert kind.partition(";")[0] in answers[path]["200"]["content"]


def test_the_documentation_loads_nothing_from_elsewhere(running: Running) -> None:
    page = running.client.get("/docs")
    assert page.status_code == 200
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 4
    for file in files:
        if not file.startswith("data:"):
            assert "//" not in file
            assert running.client.get("/" + file).status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_the_page_comes_with_a_policy_that_allows_only_the_service_itself(running: Running) -> None:
    page = running.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "camera=(self), microphone=(self)" in page.headers["permissions-policy"]
    assert "http" not in policy


def test_no_answer_names_the_server_software(running: Running) -> None:
    response: httpx.Response = running.client.get("/health/live")
    assert "server" not in response.headers


def test_the_page_on_http_names_every_code_option_and_path(running: Running) -> None:
    text = (Path(__file__).parents[2] / "docs/http.md").read_text()
    schema = running.client.get("/openapi.json").json()
    operation = schema["paths"]["/v1/analyses"]["post"]
    descriptions = " ".join(response["description"] for response in operation["responses"].values())
    codes = re.findall(r"`([a-z_]+)`:", descriptions)
    assert len(codes) >= 15
    options = [option["name"] for option in operation["parameters"]]
    for name in (*codes, *options):
        assert re.search(rf"`{name}[`{{]", text), name
    for path in schema["paths"]:
        assert f" {path}`" in text
    for setting in re.findall(r"ATTUNE_([A-Z_]+)", text):
        assert setting.lower() in Settings.model_fields
