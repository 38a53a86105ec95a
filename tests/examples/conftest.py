"""A service that asks for keys and lets one site's pages use it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from api.harness import Running, run
from live.replicas import lasting_port
from page.conftest import camera, camera_browser

from service.credentials import entry, new_key

__all__ = ["camera", "camera_browser"]


@dataclass(frozen=True)
class Deployment:
    """A service, one key of it, and the port of a site whose pages may use it."""

    running: Running
    key: str
    site_port: int

    @property
    def environment(self) -> dict[str, str]:
        """What every example is told by variables."""
        return {"ATTUNE_URL": f"http://127.0.0.1:{self.running.port}", "ATTUNE_API_KEY": self.key}


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """One for all examples."""
    port = lasting_port()
    key = new_key()
    with run(
        workers=1, api_keys=entry("examples", key), allowed_origins=f"http://127.0.0.1:{port}", provider="cpu"
    ) as running:
        yield Deployment(running, key, port)
