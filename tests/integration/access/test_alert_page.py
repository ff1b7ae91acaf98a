"""Testing alarms from the page: a real server, real HTTP, a real messenger, and no database."""

import html
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from access_site import Browser, after, logged_in, make_user
from alerts_box import bodies, webhook
from http_server import HttpServer, Request, answer, in_turn
from receiver_process import Answer, ReceiverProcess
from waiting import wait_for

from common import audit
from server.access.roles import Role

Start = Callable[..., ReceiverProcess]
FIRST, SECOND = "alerts.urls 1 (json)", "alerts.urls 2 (json)"


@pytest.fixture
def hook() -> Iterator[HttpServer]:
    with HttpServer(answer(200)) as made:
        yield made


@pytest.fixture
def server(empty: Start, hook: HttpServer, tmp_path: Path) -> ReceiverProcess:
    make_user(tmp_path / "data", "Kim")
    make_user(tmp_path / "data", "이영희", Role.OPERATOR)
    urls = ",".join([webhook(hook, "one"), webhook(hook, "s3cret")])
    return empty(HYDROLOG_ALERTS__URLS=urls, HYDROLOG_LOG__GROUPS="archive,server,alerts")


@pytest.fixture
def kim(server: ReceiverProcess) -> Browser:
    return logged_in(server)


def try_(browser: Browser, recipient: str) -> Answer:
    return browser.send("/alerts", browser.token("/password"), recipient=recipient)


def recipients(browser: Browser) -> dict[str, str]:
    """What the page says of each, by the name of its form."""
    page = browser.get("/alerts").body.decode()
    found: dict[str, Any] = dict(re.findall(r'<li data-recipient="([^"]*)">(.*?)</li>', page, re.S))
    return {name: html.unescape(re.sub(r"<[^>]*>", " ", text)) for name, text in found.items()}


def test_one_or_all_get_a_message_and_the_page_says_what_became_of_it(
    kim: Browser, hook: HttpServer, tmp_path: Path
) -> None:
    (one, text), (other, _) = recipients(kim).items()
    assert FIRST in text and "accepted" not in text
    assert after(try_(kim, one)) == "alerts"
    assert [body["title"] for body in bodies(hook)] == ["test (site-1)"]
    assert "Kim: The test message was accepted" in " ".join(recipients(kim)[one].split())
    assert "accepted" not in recipients(kim)[other]
    hook.behave = in_turn(answer(200), answer(403))
    assert after(try_(kim, "everybody")) == "alerts"
    refused = recipients(kim)[other]
    assert "not accepted" in refused and "403" in refused
    assert b"s3cret" not in kim.get("/alerts").body
    done = [(entry.by, entry.values["recipient"]) for entry in audit.load(tmp_path / "data")[0] if "test" in entry.what]
    assert done == [("Kim", FIRST), ("Kim", FIRST), ("Kim", SECOND)]
    assert try_(kim, "<script>").status == 422


def test_one_at_a_time(kim: Browser, hook: HttpServer) -> None:
    go_on = threading.Event()

    def wait(server: HttpServer, request: Request, connection: socket.socket) -> None:
        go_on.wait(30)
        answer(200)(server, request, connection)

    hook.behave = wait
    one, other = recipients(kim)
    first: list[Answer] = []
    thread = threading.Thread(target=lambda: first.append(try_(kim, one)))
    thread.start()
    try:
        wait_for(lambda: hook.requests, "the first message")
        late = try_(kim, other)
        assert (late.status, b"Another test is under way" in late.body) == (409, True)
        assert kim.get("/incidents").status == 200  # meanwhile the page goes on
    finally:
        go_on.set()
        thread.join()
    assert first[0].status == 303
    assert len(hook.requests) == 1


def test_only_an_admin_sees_who_is_told(server: ReceiverProcess, hook: HttpServer) -> None:
    operator = Browser(server)
    operator.log_in("이영희")
    assert operator.get("/alerts").status == 403
    assert try_(operator, "everybody").status == 403
    assert not hook.requests


def test_without_recipients_the_page_says_what_to_do(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    kim = Browser(empty())
    kim.log_in("Kim")
    page = kim.get("/alerts").body.decode()
    assert "[[alerts.people]]" in page and "log.groups" in page
    assert try_(kim, "everybody").status == 422
