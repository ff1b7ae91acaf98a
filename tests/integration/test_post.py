"""One POST against servers that answer well, badly, too slowly, or never."""

import contextlib
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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

from common.errors import SettingsError
from common.exchange import ANSWER_BYTES
from common.http_answer import HttpAnswer
from common.settings import SERVER_TOKEN, ServerSettings, Settings
from common.version import version
from common.web_address import WebAddress, address_of
from consumer.answers import DeliveryOutcome, Kind
from consumer.carrier import HttpCarrier
from consumer.post import Poster

PATIENCE_S = 60.0  # never reached: what is not cut off lasts ten minutes

KEY = "site-1/log/1-2"
BODY = b"1\tx\n2\ty\n"
TOKEN = "s3cret-of-the-test"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(accept) as made:
        yield made


def address(url: str, **more: Any) -> WebAddress:
    return address_of("server", ServerSettings(url=url, **more))


def poster(server: HttpServer, timeout_s: float = 10.0, stop: threading.Event | None = None) -> Poster:
    return Poster(address(server.url), timeout_s, stop or threading.Event())


def post(server: HttpServer, behave: Behaviour, timeout_s: float = 10.0) -> HttpAnswer:
    server.behave = behave
    return poster(server, timeout_s).post(BODY, KEY, TOKEN)


def carried(server: HttpServer, behave: Behaviour, token: str) -> DeliveryOutcome:
    """What becomes of a batch of two rows."""
    server.behave = behave
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SERVER_TOKEN, token)
        carrier = HttpCarrier(Settings(server=ServerSettings(url=server.url)), threading.Event())
        batch: Any = SimpleNamespace(body=BODY, key=KEY, lines=BODY.splitlines())
        return carrier.carry(batch, datetime(2024, 8, 26, tzinfo=UTC), lambda: None)


def test_a_good_answer(server: HttpServer) -> None:
    assert post(server, accept) == HttpAnswer(200, "", None, b"{}")
    (request,) = server.requests
    assert request.body == BODY
    assert request.headers["idempotency-key"] == KEY
    assert request.headers["user-agent"] == f"hydrolog/{version()}"


def test_a_path_and_a_query_arrive_as_they_were_set(server: HttpServer) -> None:
    Poster(address(f"http://127.0.0.1:{server.port}/a%20b/c?site=1&x=%41"), 10, threading.Event()).post(
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
    got = Poster(address(f"http://127.0.0.1:{port}/"), 5, threading.Event()).post(BODY, KEY, TOKEN)
    assert got.status is None
    assert "refused" in got.problem


def test_an_unknown_host_is_no_answer() -> None:
    got = Poster(address("http://no-such-host.invalid/", plain_http=True), 5, threading.Event()).post(BODY, KEY, TOKEN)
    assert got.status is None


def test_only_the_start_of_an_endless_answer_is_read(server: HttpServer) -> None:
    def flood(here: HttpServer, _request: Request, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not here.stopped.is_set():
            connection.sendall(b"x" * 65536)

    got = post(server, flood)
    assert got.status == 200
    assert len(got.body) == ANSWER_BYTES


SAID = b'{"success": false}'
PACKED = gzip.compress(SAID, mtime=0)  # the same bytes in every process of the tests


@pytest.mark.parametrize(
    ("encoding", "body", "read"),
    [
        *(("gzip", PACKED, SAID), ("X-GZIP", PACKED, SAID)),
        *(("deflate", zlib.compress(SAID), SAID), ("identity", SAID, SAID), ("br", b"", b"")),
        ("gzip", gzip.compress(b"x" * 50_000_000, mtime=0), b"x" * ANSWER_BYTES),
    ],
)
def test_an_answer_that_came_compressed_is_read(server: HttpServer, encoding: str, body: bytes, read: bytes) -> None:
    assert post(server, answer(200, body, Content_Encoding=encoding)) == HttpAnswer(
        200, "", None, read, ends=len(read) < ANSWER_BYTES
    )
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(("encoding", "body"), [("br", b"\x0b\x08"), ("gzip", b"no gzip"), ("gzip, br", b"x")])
def test_a_receipt_that_nobody_can_read_is_none(server: HttpServer, encoding: str, body: bytes) -> None:
    got = post(server, answer(200, body, Content_Encoding=encoding))
    assert got.status is None
    assert "is compressed" in got.problem
    assert post(server, answer(401, body, Content_Encoding=encoding)).status == 401


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
        place = address(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        got = Poster(place, 10, threading.Event()).post(b"x" * 1024 * 1024, KEY, TOKEN)
        thread.join(5)
    assert got.status == 413


def test_a_server_that_sends_the_token_back_cannot_get_it_written_down(server: HttpServer) -> None:
    def echo(_server: HttpServer, request: Request, connection: socket.socket) -> None:
        send(connection, 400, f"you sent {request.headers['authorization']}".encode())

    outcome = carried(server, echo, TOKEN)
    assert outcome.answer.body == b"you sent Bearer [token]"
    assert TOKEN not in outcome.problem


@pytest.mark.parametrize("token", ["s", "e", "success", "false", "ok"])
def test_a_token_that_is_a_part_of_a_word_hides_no_denial(server: HttpServer, token: str) -> None:
    outcome = carried(server, answer(200, b'{"success": false, "ok": false, "error": "x"}'), token)
    assert outcome.kind is Kind.RETRY
    assert outcome.problem.startswith("the answer 200 is no receipt")
    assert carried(server, answer(200, b'{"ok": true, "success": true}'), token).kind is Kind.DELIVERED


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
        got = Poster(address(server.url), 5, threading.Event()).post(BODY, KEY, TOKEN)
        assert got.status is None
        assert "certificate is not trusted" in got.problem
        assert not server.requests


def test_https_with_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with HttpServer(accept, tls=context) as server:
        assert Poster(address(server.url), 5, threading.Event()).post(BODY, KEY, TOKEN).status == 200
        server.behave = drip
        assert Poster(address(server.url), 0.3, threading.Event()).post(BODY, KEY, TOKEN).status is None


def test_https_with_an_authority_of_the_settings(certificate: Path, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HttpServer(accept, tls=context) as server:
        trusting = address(server.url, ca_file=str(certificate))
        assert Poster(trusting, 5, threading.Event()).post(BODY, KEY, TOKEN).status == 200
    (tmp_path / "text").write_text("no certificate")
    for unusable in ("text", "nothing"):
        with pytest.raises(SettingsError, match=r"server\.ca_file"):
            address(server.url, ca_file=str(tmp_path / unusable))


def test_a_handshake_that_never_ends_is_cut() -> None:
    """A server that accepts and says nothing while TLS waits for its first word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = Poster(address(f"https://127.0.0.1:{listener.getsockname()[1]}/"), 0.3, threading.Event())
        assert sender.post(BODY, KEY, TOKEN).status is None
        started = time.monotonic()
        assert "0.3 s" in sender.post(BODY, KEY, TOKEN).problem  # the thread before it has ended
        assert time.monotonic() - started < PATIENCE_S


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("http://192.0.2.7/x", True),
        ("http://water.example:8080/", True),
        ("http://127.0.0.1.example/", True),
        ("https://water.example/", False),
        ("http://127.0.0.1:8080/", False),
        ("http://[::1]:8080/", False),
        ("http://localhost/", False),
    ],
)
def test_a_token_leaves_the_box_unencrypted_only_if_that_is_asked_for(url: str, readable: bool) -> None:
    if readable:
        with pytest.raises(SettingsError, match=r"server\.url.*plain_http = true"):
            address(url)
    assert address(url, plain_http=readable).host in url


def interim(count: int) -> Behaviour:
    def behave(server: HttpServer, request: Request, connection: socket.socket) -> None:
        for number in range(count):
            connection.sendall(b"HTTP/1.1 %d Wait\r\nLink: </x>\r\n\r\n" % (100, 102, 103)[number % 3])
        accept(server, request, connection)

    return behave


def test_interim_answers_are_read_past(server: HttpServer) -> None:
    assert post(server, interim(9)).status == 200


def test_another_protocol_is_no_answer(server: HttpServer) -> None:
    assert post(server, answer(101, Upgrade="websocket")).status is None


def test_interim_answers_without_an_end_are_none(server: HttpServer) -> None:
    got = post(server, interim(1_000))
    assert got.status is None
    assert "interim" in got.problem


class Proxy:
    """An HTTP proxy that connects to what it is asked for, or refuses."""

    def __init__(self, status: int = 200) -> None:
        self.heads: list[bytes] = []
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:p%40ss@127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        client = self._listener.accept()[0]
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            self.heads.append(head)
            method, target = head.split(b" ")[:2]
            if method != b"CONNECT" or self._status != 200:
                client.sendall(b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\n\r\n{}" % self._status)
                return
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            host, _, port = target.decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=_carry, args=(server, client))
                back.start()
                _carry(client, server)
                back.join()

    def close(self) -> None:
        self._listener.close()
        self._thread.join()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    """A server with a certificate that is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with HttpServer(accept, tls=context) as server:
        yield server


BASIC = b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"  # user:p@ss


def test_https_goes_through_the_proxy_as_a_tunnel_which_never_sees_the_token(trusted: HttpServer) -> None:
    proxy = Proxy()
    place = address(trusted.url, proxy=proxy.url)
    assert Poster(place, 10, threading.Event()).post(BODY, KEY, TOKEN).status == 200
    proxy.close()
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT 127.0.0.1:{trusted.port} HTTP/1.1\r\n".encode())
    assert BASIC in head and TOKEN.encode() not in head
    assert trusted.requests[0].body == BODY
    assert "proxy-authorization" not in trusted.requests[0].headers


def test_what_the_proxy_refuses_is_said_to_be_the_proxys_word(trusted: HttpServer) -> None:
    proxy = Proxy(407)
    got = Poster(address(trusted.url, proxy=proxy.url), 10, threading.Event()).post(BODY, KEY, TOKEN)
    proxy.close()
    assert (got.status, got.problem) == (None, "the proxy answered 407: look at the proxy in the settings")
    assert not trusted.requests


def test_plain_http_asks_the_proxy_for_the_whole_address() -> None:
    proxy = Proxy()
    place = address("http://water.example:81/v1?a=b", plain_http=True, proxy=proxy.url)
    assert Poster(place, 10, threading.Event()).post(BODY, KEY, TOKEN).status == 200
    proxy.close()
    assert proxy.heads[0].startswith(b"POST http://water.example:81/v1?a=b HTTP/1.1\r\nHost: water.example:81\r\n")
    assert BASIC in proxy.heads[0]
