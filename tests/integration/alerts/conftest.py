"""A messenger, and a box that alarms it."""

from collections.abc import Callable, Iterator

import pytest
from alerts_box import Site, webhook
from http_server import HttpServer, answer

from common.settings import Settings


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(answer(200)) as made:
        yield made


@pytest.fixture
def site(settings_for: Callable[..., Settings], server: HttpServer) -> Callable[..., Site]:
    def make(*more: str, **keys: str) -> Site:
        urls = ",".join([webhook(server), *more])
        return Site(settings_for(**({"log__groups": "alerts", "alerts__urls": urls} | keys)))

    return make
