"""Which pages may use the service, and which names it answers to: before any route, key or body is looked at."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from api.harness import ENTRIES
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from service.api import OpenToAll, create_app
from service.api.origins import CrossOrigin, LocalNames, is_local
from service.api.server import server
from service.settings import Settings

OWN = "https://attune.example"
FRIEND = "https://friend.example"
EVIL = "https://evil.example"


def application(reached: list[str]) -> ASGIApp:
    """Notes every request that gets through."""

    async def answer(request: Request) -> PlainTextResponse:
        reached.append(request.url.path)
        return PlainTextResponse("reached")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def ask(app: ASGIApp, method: str = "POST", path: str = "/v1/analyses", **headers: str) -> httpx.Response:
    """One request under the service's own name, unless another is given."""

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN) as client:
            return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(send())


def shared(answer: httpx.Response) -> Mapping[str, str]:
    """The headers of CORS."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("origin", [EVIL, "null", FRIEND + ".evil.example", "http://friend.example", "http://[", ""])
def test_a_page_of_another_origin_reaches_nothing_under_v1(method: str, origin: str) -> None:
    reached: list[str] = []
    answer = ask(CrossOrigin(application(reached), allowed={FRIEND}), method, origin=origin)
    assert (answer.status_code, answer.json()["code"], reached) == (403, "origin_not_allowed", [])
    assert answer.headers["content-type"] == "application/problem+json"
    assert not shared(answer)


@pytest.mark.parametrize("origin", [OWN, OWN.replace("https", "http")])
def test_the_services_own_pages_reach_it_also_behind_a_proxy_that_takes_tls_off(origin: str) -> None:
    reached: list[str] = []
    assert ask(CrossOrigin(application(reached), allowed=set()), origin=origin).status_code == 200
    assert reached == ["/v1/analyses"]


def test_what_is_no_page_reaches_it() -> None:
    answer = ask(CrossOrigin(application([]), allowed=set()))
    assert answer.status_code == 200
    assert not shared(answer)


@pytest.mark.parametrize("allowed", [{FRIEND, "https://other.example"}, {"*"}])
def test_a_page_that_is_allowed_may_read_the_answer_and_what_it_says_of_waiting(allowed: set[str]) -> None:
    answer = ask(CrossOrigin(application([]), allowed=allowed), origin=FRIEND)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] in (FRIEND, "*")
    assert {"Retry-After", "X-Request-ID"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    assert "access-control-allow-credentials" not in answer.headers
    assert "*" in allowed or "Origin" in answer.headers["vary"]


def test_a_preflight_of_an_allowed_page_is_answered_without_reaching_anything() -> None:
    reached: list[str] = []
    answer = ask(
        CrossOrigin(application(reached), allowed={FRIEND}),
        "OPTIONS",
        origin=FRIEND,
        access_control_request_method="POST",
        access_control_request_headers="authorization, content-type, x-request-id",
    )
    assert (answer.status_code, reached) == (200, [])
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert int(answer.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize("path", ["/", "/health/live", "/docs", "/v1x"])
def test_what_is_not_under_v1_is_anybodys_to_ask_for_and_no_other_pages_to_read(path: str) -> None:
    answer = ask(CrossOrigin(application([]), allowed={"*"}), "GET", path, origin=EVIL)
    assert answer.status_code == 200
    assert not shared(answer)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "127.8.8.8", "[::1]:9"]
)
@pytest.mark.parametrize("path", ["/", "/v1/analyses", "/metrics"])
def test_an_open_service_answers_to_names_of_its_machine(host: str, path: str) -> None:
    assert ask(LocalNames(application([])), path=path, host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "[", "", "[::]"]
)
@pytest.mark.parametrize("path", ["/", "/v1/analyses", "/metrics"])
def test_an_open_service_answers_to_no_other_name_which_may_lead_to_it_by_dns(host: str, path: str) -> None:
    reached: list[str] = []
    answer = ask(LocalNames(application(reached)), path=path, host=host)
    assert (answer.status_code, answer.json()["code"], reached) == (421, "host_not_allowed", [])


def test_a_service_without_keys_listens_where_others_reach_it_only_if_that_is_said() -> None:
    everywhere = "0.0.0.0"  # noqa: S104
    with pytest.raises(OpenToAll, match="ATTUNE_HOST"):
        server(Settings(host=everywhere))
    for settings in (
        Settings(host="::1"),
        Settings(host=everywhere, allow_anonymous=True),
        Settings(host=everywhere, api_keys=SecretStr(ENTRIES)),
    ):
        assert server(settings).config.host == settings.host


@pytest.mark.parametrize("settings", [{"allow_anonymous": True}, {"api_keys": ENTRIES}])
def test_a_service_with_keys_or_for_everybody_answers_to_any_name(settings: dict[str, str]) -> None:
    app = create_app(Settings.model_validate(settings))
    assert ask(app, "GET", "/health/live", host="attune.example").status_code == 200
    assert ask(create_app(Settings()), "GET", "/health/live", host="attune.example").status_code == 421


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("attune.localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("", False),
        ("192.168.1.7", False),
        ("notlocalhost", False),
        ("attune.example", False),
    ],
)
def test_only_what_can_mean_no_other_machine_is_local(name: str, local: bool) -> None:
    assert is_local(name) is local
