"""One POST against servers that answer well, badly, too slowly, or never."""

import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_server import (
    Behaviour,
    HttpServer,
    Request,
    accept,
    answer,
    cut_answer,
    drip,
    drop,
    garbage,
    hang,
    send,
)
from ports import free_port

from common.version import version
from consumer.answers import HttpAnswer
from consumer.post import ANSWER_BYTES, Poster, ServerAddress

PATIENCE_S = 60.0  # never reached: what is not cut off lasts ten minutes

KEY = "site-1/log/1-2"
BODY = b"1\tx\n2\ty\n"
TOKEN = "s3cret-of-the-test"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(accept) as made:
        yield made


def poster(server: HttpServer, timeout_s: float = 10.0, stop: threading.Event | None = None) -> Poster:
    return Poster(ServerAddress.parse(server.url), timeout_s, stop or threading.Event())


def post(server: HttpServer, behave: Behaviour, timeout_s: float = 10.0) -> HttpAnswer:
    server.behave = behave
    return poster(server, timeout_s).post(BODY, KEY, TOKEN)


def test_a_good_answer(server: HttpServer) -> None:
    assert post(server, accept) == HttpAnswer(200, "", None, b"{}")
    (request,) = server.requests
    assert request.body == BODY
    assert request.headers["idempotency-key"] == KEY
    assert request.headers["user-agent"] == f"hydrolog/{version()}"


def test_a_path_and_a_query_arrive_as_they_were_set(server: HttpServer) -> None:
    Poster(ServerAddress.parse(f"http://127.0.0.1:{server.port}/a%20b/c?site=1&x=%41"), 10, threading.Event()).post(
        BODY, KEY, TOKEN
    )
    assert server.requests[0].target == "/a%20b/c?site=1&x=%41"


def test_a_redirect_is_an_answer_and_the_token_stays_home(server: HttpServer) -> None:
    with HttpServer(accept) as elsewhere:
        got = post(server, answer(302, Location=elsewhere.url))
        assert got.status == 302
        assert not elsewhere.requests
    assert len(server.requests) == 1


@pytest.mark.parametrize("behave", [drop, garbage, cut_answer])
def test_what_is_not_a_whole_answer_is_none(server: HttpServer, behave: Behaviour) -> None:
    got = post(server, behave)
    assert got.status is None
    assert got.problem


@pytest.mark.parametrize("behave", [hang, drip])
def test_one_deadline_holds_for_the_whole_exchange(server: HttpServer, behave: Behaviour) -> None:
    started = time.monotonic()
    got = post(server, behave, timeout_s=0.5)
    assert time.monotonic() - started < PATIENCE_S
    assert got.status is None
    assert "0.5 s" in got.problem


def test_after_a_cut_off_exchange_the_next_one_goes_and_no_thread_stays(server: HttpServer) -> None:
    sender = poster(server, timeout_s=0.3)
    server.behave = drip
    for _ in range(3):
        assert sender.post(BODY, KEY, TOKEN).status is None
    server.behave = accept
    assert sender.post(BODY, KEY, TOKEN).status == 200
    assert not [thread for thread in threading.enumerate() if thread.name == "post"]


def test_a_stop_ends_the_wait_at_once(server: HttpServer) -> None:
    stop = threading.Event()
    sender = poster(server, timeout_s=600, stop=stop)
    server.behave = hang
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    assert sender.post(BODY, KEY, TOKEN).status is None
    assert time.monotonic() - started < PATIENCE_S


def test_nobody_listens() -> None:
    port = free_port()
    got = Poster(ServerAddress.parse(f"http://127.0.0.1:{port}/"), 5, threading.Event()).post(BODY, KEY, TOKEN)
    assert got.status is None
    assert "refused" in got.problem


def test_an_unknown_host_is_no_answer() -> None:
    got = Poster(ServerAddress.parse("http://no-such-host.invalid/"), 5, threading.Event()).post(BODY, KEY, TOKEN)
    assert got.status is None


def test_only_the_start_of_an_endless_answer_is_read(server: HttpServer) -> None:
    def flood(here: HttpServer, _request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not here.stopped.is_set():
            connection.sendall(b"x" * 65536)

    got = post(server, flood)
    assert got.status == 200
    assert len(got.body) == ANSWER_BYTES


def test_a_refusal_that_comes_before_the_body_was_read_is_heard() -> None:
    """The server answers at the headers and closes; a large body is then still on its way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection = listener.accept()[0]
            connection.recv(2000)
            send(connection, 413)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        address = ServerAddress.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        got = Poster(address, 10, threading.Event()).post(b"x" * 1024 * 1024, KEY, TOKEN)
        thread.join(5)
    assert got.status == 413


def test_a_server_that_sends_the_token_back_cannot_get_it_written_down(server: HttpServer) -> None:
    def echo(_server: HttpServer, request: Request, connection: socket.socket) -> None:
        send(connection, 400, f"you sent {request.headers['authorization']}".encode())

    got = post(server, echo)
    assert got.body == b"you sent Bearer [token]"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key in one file."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command to make a certificate")
    path = tmp_path / "server.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, "-nodes", "-days", "2", *subject, "-keyout", str(path), "-out", "cert.pem"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    with path.open("a") as file:
        file.write((tmp_path / "cert.pem").read_text())
    return path


def test_a_certificate_nobody_vouches_for_gets_no_request(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HttpServer(accept, tls=context) as server:
        got = Poster(ServerAddress.parse(server.url), 5, threading.Event()).post(BODY, KEY, TOKEN)
        assert got.status is None
        assert "certificate is not trusted" in got.problem
        assert not server.requests


def test_https_with_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with HttpServer(accept, tls=context) as server:
        assert Poster(ServerAddress.parse(server.url), 5, threading.Event()).post(BODY, KEY, TOKEN).status == 200
        server.behave = drip
        assert Poster(ServerAddress.parse(server.url), 0.3, threading.Event()).post(BODY, KEY, TOKEN).status is None


def test_a_handshake_that_never_ends_is_cut() -> None:
    """A server that accepts and says nothing while TLS waits for its first word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = Poster(ServerAddress.parse(f"https://127.0.0.1:{listener.getsockname()[1]}/"), 0.3, threading.Event())
        assert sender.post(BODY, KEY, TOKEN).status is None
        started = time.monotonic()
        assert "0.3 s" in sender.post(BODY, KEY, TOKEN).problem  # the thread before it has ended
        assert time.monotonic() - started < PATIENCE_S


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://192.0.2.7/x", True),
        ("http://water.example:8080/", True),
        ("https://water.example/", False),
        ("http://127.0.0.1:8080/", False),
        ("http://[::1]:8080/", False),
        ("http://localhost/", False),
    ],
)
def test_a_token_in_clear_over_a_network_is_warned_of(url: str, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        ServerAddress.parse(url)
    assert ("server_not_encrypted" in caplog.text) is warned
