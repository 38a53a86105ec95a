"""Files for browsers: the page at / and the API's documentation at /docs. Nothing is loaded from elsewhere."""

from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE: Final = Path(__file__).parent.parent / "page"

_PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# Swagger UI sets inline styles and draws its icons from data URIs.
_DOCS_POLICY: Final = _PAGE_POLICY + "; style-src 'self' 'unsafe-inline'"
_DOCS: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Attune: HTTP interface</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="interface"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START: Final = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#interface", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


class BrowserHeaders:
    """ASGI middleware: no sniffing, no referrers, camera and microphone for the page alone, and a content policy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = _DOCS_POLICY if scope.get("path", "") == "/docs" else _PAGE_POLICY
        extra = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"permissions-policy", b"camera=(self), microphone=(self), geolocation=(), display-capture=()"),
        ]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class _Page(StaticFiles):
    """Static files that browsers revalidate each time, so that a new version of the service is seen at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path == "." and scope["path"] != "/":  # another way to write it, which Starlette redirects to `Host`
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return await super().get_response(path, scope)

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response


def install(app: FastAPI) -> None:
    """Serve the documentation and, for every path that nothing else takes, the page."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_DOCS)

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    app.mount("/docs/assets", StaticFiles(directory=_swagger_assets()), name="docs")
    # Not a mount at "/", which would take a known path with a wrong method for an unknown file.
    app.router.default = _Page(directory=PAGE, html=True)


def _swagger_assets() -> Path:
    """Swagger UI's files as the package fastapi-offline carries them; only those, not its code, are used."""
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("fastapi-offline is not installed")
    return Path(package.origin).parent / "static"
