"""Who may see the page: a real server, real HTTP, and no database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from access_site import PASSWORD, Browser, after, make_user, server_of
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


def test_a_user_logs_in_and_gets_to_where_he_wanted(server: ReceiverProcess) -> None:
    browser = Browser(server)
    assert after(browser.get("/sensor?id=001")) == "login?next=sensor%3Fid%3D001"
    page = browser.get("/login?next=sensor%3Fid%3D001")
    assert page.status == 200
    assert b'value="sensor?id=001"' in page.body
    assert after(browser.log_in("이영희", next="sensor?id=001")) == "sensor?id=001"
    assert browser.get("/").status == 200
    assert "이영희" in browser.get("/").body.decode()
