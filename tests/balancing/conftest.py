"""A service behind each of the balancers."""

from collections.abc import Callable, Iterator

import pytest
from api.harness import Running, run
from balancing.balancers import Balancer, haproxy, nginx

_START = {"nginx": nginx, "haproxy": haproxy}


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    """One replica, in this process."""
    with run(workers=1, max_analyses=4) as running:
        yield running


@pytest.fixture(scope="session", params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in _START])
def edge(
    request: pytest.FixtureRequest,
    service: Running,
    tmp_path_factory: pytest.TempPathFactory,
    program: Callable[..., str],
) -> Iterator[Balancer]:
    """The balancer before it."""
    name = str(request.param)
    with _START[name](program(name), tmp_path_factory.mktemp(name), [service.port] * 3) as balancer:
        yield balancer
