"""A server, and a box that delivers to it."""

from collections.abc import Callable, Iterator

import pytest
from delivery_site import TOKEN, MakeSite, Site
from http_server import HttpServer, accept

from common.settings import SERVER_TOKEN, Settings


@pytest.fixture
def site(settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSite]:
    monkeypatch.setenv(SERVER_TOKEN, TOKEN)
    made: list[Site] = []

    def make(behave: Callable[..., None] = accept, **keys: object) -> Site:
        server = HttpServer(behave)
        keys = {"log__groups": "server", "server__timeout_seconds": 5, **keys}
        made.append(Site(settings_for(server__url=server.url, **keys), server))
        return made[-1]

    yield make
    for one in made:
        one.worker.close()
        one.log.close()
        one.server.close()
