"""A site of its own that lets its visitors use Attune: serves the page, and keeps the API key to itself.

    ATTUNE_URL=http://127.0.0.1:8000 ATTUNE_API_KEY=... python examples/browser/server.py 8080

The service must allow the site: `attune serve --allowed-origins http://127.0.0.1:8080`. A real site gives tokens only
to visitors whom it knows.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

PAGE = Path(__file__).with_name("index.html")
URL = os.environ.get("ATTUNE_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("ATTUNE_API_KEY", "none")


class Site(BaseHTTPRequestHandler):
    """Two addresses: the page, and an access token for whoever has it open."""

    def do_GET(self) -> None:
        """The page."""
        if self.path == "/":
            self._answer("text/html; charset=utf-8", PAGE.read_bytes())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """A token that lasts for minutes. POST, and no CORS: pages of other sites cannot read it."""
        if self.path != "/token":
            self.send_error(404)
            return
        request = Request(f"{URL}/v1/tokens", method="POST", headers={"Authorization": f"Bearer {KEY}"})
        with urlopen(request) as answer:  # nosec B310
            token = json.load(answer)["token"]
        self._answer("application/json", json.dumps({"url": URL, "token": token}).encode())

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Site).serve_forever()
