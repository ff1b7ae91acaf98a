"""Clients that let the receiver wait: they are parted with, and nobody else has to wait for them."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from receiver_process import DEADLINE_S
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from waiting import wait_for

from server import connections, listener
from server.listener import Listener


async def _body(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _large(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * (16 << 20))  # more than the kernel takes for a client that does not read


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(connections, "HEADERS_S", 0.1)
    monkeypatch.setattr(connections, "EXCHANGE_S", 0.1)
    monkeypatch.setattr(listener, "WAKE_S", 0.1)
    app = Starlette(routes=[Route("/", _body, methods=["POST"]), Route("/large", _large)])
    http = Listener(app, "127.0.0.1", 0)
    yield http
    http.close()


@pytest.fixture
def address(http: Listener) -> tuple[str, int]:
    return "127.0.0.1", int(http.url.rstrip("/").rsplit(":", 1)[1])


@pytest.mark.parametrize(
    "start",
    [b"", b"POST / HTTP/1.1\r\nX: a", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"],
    ids=["nothing", "half a header", "half a body"],
)
def test_who_does_not_go_on_is_parted_with(address: tuple[str, int], start: bytes) -> None:
    with socket.create_connection(address, DEADLINE_S) as slow:
        slow.sendall(start)
        with contextlib.suppress(ConnectionResetError):
            assert b"200" not in slow.recv(4096)


def test_who_sends_a_header_byte_by_byte_is_parted_with(address: tuple[str, int]) -> None:
    with socket.create_connection(address, DEADLINE_S) as slow:
        slow.settimeout(0.01)  # the pace of the bytes
        give_up_s = time.monotonic() + DEADLINE_S
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            while time.monotonic() < give_up_s:
                slow.sendall(b"P")
                with contextlib.suppress(TimeoutError):
                    slow.recv(1)


def test_who_does_not_read_its_answer_is_parted_with(http: Listener, address: tuple[str, int]) -> None:
    still_open = http._server.server_state.connections
    with socket.create_connection(address, DEADLINE_S) as slow:
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.recv(1)
        wait_for(lambda: not still_open, "the place to be free")
