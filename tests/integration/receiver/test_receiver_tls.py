"""The page over TLS of its own: real handshakes with a real process."""

import contextlib
import http.client
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from access_site import NO_DATABASE, make_user
from receiver_process import DEADLINE_S, TOKEN, ReceiverProcess, body_of, key_of
from waiting import wait_for

from common import certificates
from common.certificates import Pair
from common.settings import ServerSettings
from common.web_address import address_of
from consumer.post import Poster
from server import connections, tls
from server.listener import Listener

NAMES = ["localhost", "127.0.0.1"]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Pair:
    return certificates.make_authority("site-1", NAMES, NOW)


@pytest.fixture
def files(tmp_path: Path, authority: Pair) -> tuple[Path, Path]:
    return write(tmp_path, certificates.sign(authority, NAMES, NOW))


def write(folder: Path, pair: Pair) -> tuple[Path, Path]:
    """As a renewal does it: one file after the other."""
    for name, content in (("site.crt", pair.certificate), ("site.key", pair.key)):
        (folder / f"{name}.tmp").write_bytes(content)
        (folder / f"{name}.tmp").replace(folder / name)
    return folder / "site.crt", folder / "site.key"


def trusting(authority: Pair) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.certificate.decode())


@pytest.fixture
def server(tmp_path: Path, files: tuple[Path, Path]) -> Iterator[ReceiverProcess]:
    process = receiver(tmp_path, *files)
    process.start()
    yield process
    process.kill()


def receiver(tmp_path: Path, certificate: Path, key: Path, database_url: str = NO_DATABASE) -> ReceiverProcess:
    named = {"HYDROLOG_RECEIVER__CERTIFICATE": str(certificate), "HYDROLOG_RECEIVER__KEY": str(key)}
    return ReceiverProcess(tmp_path / "data", database_url, **named)


def shown(server: ReceiverProcess, authority: Pair) -> bytes:
    """The certificate of a new handshake."""
    with (
        socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as plain,
        trusting(authority).wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        found = secure.getpeercert(binary_form=True)
        assert found is not None
        return found


def test_a_session_is_never_sent_without_tls(server: ReceiverProcess, authority: Pair, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    secure = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=DEADLINE_S, context=trusting(authority))
    with contextlib.closing(secure):
        secure.request("GET", "/login", headers={"Accept": "text/html"})
        cookie = secure.getresponse().getheader("Set-Cookie") or ""
    assert cookie.endswith("; Secure")


def test_a_renewed_certificate_is_taken_without_a_restart(
    server: ReceiverProcess, authority: Pair, tmp_path: Path
) -> None:
    before = shown(server, authority)
    newer = certificates.sign(authority, NAMES, NOW)
    (tmp_path / "site.crt").write_bytes(newer.certificate)  # its key is not there yet
    wait_for(lambda: b"certificate_not_renewed" in server.output.read_bytes(), "the half renewal to be seen")
    assert shown(server, authority) == before
    write(tmp_path, newer)
    expected = ssl.PEM_cert_to_DER_cert(newer.certificate.decode())
    wait_for(lambda: shown(server, authority) == expected, "the new certificate")
    assert server.process is not None and server.process.poll() is None


def test_a_box_sends_to_its_own_receiver_and_hears_that_the_certificate_ends(
    tmp_path: Path, authority: Pair, database_url: str
) -> None:
    nearly = NOW - timedelta(days=certificates.SITE_DAYS - 20)
    process = receiver(tmp_path, *write(tmp_path, certificates.sign(authority, NAMES, nearly)), database_url)
    process.start()
    (tmp_path / "authority.crt").write_bytes(authority.certificate)
    url = f"https://127.0.0.1:{process.port}/v1/batches"
    sender = address_of("server", ServerSettings(url=url, ca_file=str(tmp_path / "authority.crt")))
    poster = Poster(sender, DEADLINE_S, threading.Event())
    assert poster.post(body_of(1, 3), key_of(1, 3), TOKEN).status == 200
    assert poster.post(body_of(1, 3), key_of(1, 3), "wrong").status == 401

    def verdict() -> bytes:
        secure = http.client.HTTPSConnection("127.0.0.1", process.port, timeout=DEADLINE_S, context=trusting(authority))
        with contextlib.closing(secure):
            secure.request("GET", "/healthz")
            return secure.getresponse().read()

    wait_for(lambda: b"certificate: to be renewed: it ends in 19 days" in verdict(), "the certificate's trouble")
    process.kill()


def test_what_cannot_be_used_ends_the_start_with_one_line(tmp_path: Path, files: tuple[Path, Path]) -> None:
    certificate, key = files
    key.write_text("no PEM")
    process = receiver(tmp_path, certificate, key)
    with pytest.raises(AssertionError, match=r"receiver.key: .* is no private key in PEM form\n"):
        process.start()
    assert process.process is not None and process.process.wait(DEADLINE_S) == 2
    assert process.output.read_text().count("\n") == 1


@pytest.fixture
def few(files: tuple[Path, Path]) -> Iterator[Listener]:
    """A listener in this process, with four places."""
    http = Listener(_nothing, "127.0.0.1", 0, tls.context_of(*files), 4, names=frozenset({"box.example.org"}))
    yield http
    http.close()


async def _nothing(_scope: object, _receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


def port_of(http: Listener) -> int:
    return int(http.url.rstrip("/").rsplit(":", 1)[1])


def answered(port: int, authority: Pair) -> bool:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE_S, context=trusting(authority))
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().status == 204


def test_silent_handshakes_crowd_nobody_out(few: Listener, authority: Pair) -> None:
    silent = [socket.create_connection(("127.0.0.1", port_of(few)), DEADLINE_S) for _ in range(12)]
    assert answered(port_of(few), authority)
    wait_for(lambda: few.counters["crowded_out"] >= 8, "the oldest of them to leave")
    for one in silent:
        one.close()


def test_a_silent_handshake_is_parted_with(few: Listener, authority: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_S", 0.1)
    with socket.create_connection(("127.0.0.1", port_of(few)), DEADLINE_S) as silent:
        silent.sendall(b"\x16\x03\x01")  # how a handshake begins
        with contextlib.suppress(ConnectionResetError):
            assert silent.recv(1) == b""
    wait_for(lambda: not few._places._open, "its place to be free")
    assert answered(port_of(few), authority)


def test_many_requests_come_with_the_end_of_their_handshake(few: Listener, authority: Pair) -> None:
    """TLS 1.3 lets a client send its first request before it has heard that the handshake is over."""
    for _ in range(50):
        assert answered(port_of(few), authority)
    wait_for(lambda: not few._places._open, "all places to be free")


def test_the_first_bytes_of_a_handshake_may_come_one_by_one(few: Listener, authority: Pair) -> None:
    sent, come = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(authority).wrap_bio(come, sent, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port_of(few)), DEADLINE_S) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while client.version() is None:
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
            hello = sent.read()
            for part in (hello[:1], hello[1:7], hello[7:]):
                plain.sendall(part)
            if client.version() is None:
                come.write(plain.recv(65536))


def plainly(http: Listener, request: bytes) -> bytes:
    """The whole answer to what is sent without TLS."""
    with socket.create_connection(("127.0.0.1", port_of(http)), DEADLINE_S) as plain:
        plain.sendall(request)
        with contextlib.suppress(ConnectionResetError):  # it was closed with bytes unread
            return b"".join(iter(lambda: plain.recv(65536), b""))
    return b""


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_plain_http_is_sent_to_the_same_place_over_tls(few: Listener, method: bytes) -> None:
    answer = plainly(few, method + b" /sensor?id=001 HTTP/1.1\r\nHost: box.example.org:8443\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 308 ")
    assert b"location: https://box.example.org:8443/sensor?id=001\r\n" in head + b"\r\n"
    assert b"set-cookie" not in head.lower() and b"connection: close" in head
    assert ("HTTPS 방식으로만".encode() in body and b"HTTPS only" in body) == (method == b"GET")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: box.example.org/evil\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /v1/batches HTTP/1.1\r\nHost: box.example.org\r\nContent-Length: 5\r\n\r\n1\t2\t3",
        b"POST / HTTP/1.1\r\nHost: box.example.org\r\nContent-Length: 900000000\r\n\r\n",
    ],
)
def test_what_is_not_asked_under_our_name_or_sends_something_is_only_told(few: Listener, request_: bytes) -> None:
    head, _, body = plainly(few, request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 421 ") and b"HTTPS only" in body
    assert b"location" not in head.lower() and b"evil" not in head + body


def test_a_target_that_is_an_address_leads_to_no_other_server(few: Listener) -> None:
    answer = plainly(few, b"GET http://evil.example/x HTTP/1.1\r\nHost: box.example.org\r\n\r\n")
    assert b"location: https://box.example.org/\r\n" in answer


@pytest.mark.parametrize("noise", [b"\x00" * 100, b"GET /" + b"x" * 20_000, b"SSH-2.0-x\r\n\r\n"])
def test_noise_is_answered_shortly_and_gives_its_place_back(few: Listener, noise: bytes) -> None:
    assert len(plainly(few, noise)) < 1000
    wait_for(lambda: not few._places._open, "its place to be free")


def test_it_ends_in_time_with_a_handshake_open(server: ReceiverProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S):
        began_s = time.monotonic()
        assert server.end(signal.SIGTERM) == 0
        assert time.monotonic() - began_s < 5
    assert "exceeded" not in server.output.read_text()
