"""One server with three users for the tests that change none of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from access_site import make_user, server_of
from receiver_process import ReceiverProcess

from server.access.roles import Role


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    data = tmp_path_factory.mktemp("access") / "data"
    data.mkdir()
    make_user(data, "Kim")
    make_user(data, "이영희", Role.OPERATOR)
    make_user(data, "guest", Role.VIEWER)
    running = server_of(data)
    yield running
    running.kill()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Callable[..., ReceiverProcess]]:
    """Starts a server on a data folder of its own, `tmp_path / "data"`."""
    started = []
    (tmp_path / "data").mkdir()

    def start(**environ: str) -> ReceiverProcess:
        started.append(server_of(tmp_path / "data", **environ))
        return started[-1]

    yield start
    for running in started:
        running.kill()
