"""One HTTP exchange in a thread of its own: a complete answer, or the reason why there is none.

In its own thread, because a server that sends one byte a second never triggers a socket timeout: whoever waits can cut
the connection. h11 speaks HTTP; it follows no redirect and retries nothing, and interim answers (1xx) are read past.
"""

import base64
import contextlib
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote

import h11

from common.http_answer import HttpAnswer
from common.logging_setup import quoted
from common.web_address import WebAddress

ANSWER_BYTES = 65_536  # bytes kept of the answer's body; a receiver says less
MOST_INTERIM = 100  # answers before the answer
_CHUNK = 16_384
_ANY_ZLIB = zlib.MAX_WBITS + 32  # gzip or zlib, as the first bytes say

Headers = list[tuple[str, str]]


class NoAnswer(Exception):
    """The exchange failed; the text says why."""


class Exchange:
    """One request and its answer.

    Args:
        body: what is posted; None asks for what is there (GET).
        most_bytes: that are kept of the answer's body; the rest is not waited for.
    """

    def __init__(
        self,
        address: WebAddress,
        timeout_s: float,
        body: bytes | None,
        headers: Headers,
        most_bytes: int = ANSWER_BYTES,
    ) -> None:
        self.ended = threading.Event()
        self.answer = HttpAnswer(None, "nothing came")
        self._address = address
        self._timeout_s = timeout_s
        self._body = body
        self._headers = headers
        self._most_bytes = most_bytes
        self._handle: socket.socket | None = None  # a duplicate of the connection, to close it from outside
        self._was_cut = False
        self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)  # exiting need not wait

    def start(self) -> None:
        """Start; `ended` is set when there is an answer."""
        self._thread.start()

    def left_within(self, wait_s: float) -> bool:
        """Whether its thread ends within this time."""
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def cut(self) -> None:
        """Close the connection from outside: the thread's wait on the socket then fails."""
        self._was_cut = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # it has just ended by itself
                self._handle.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            with self._connection() as connection:
                self.answer = _answer(connection, self._request(), self._body, self._most_bytes)
        except ssl.SSLCertVerificationError as error:
            self.answer = HttpAnswer(None, f"its certificate is not trusted: {quoted(error.verify_message)}")
        except TimeoutError:
            self.answer = HttpAnswer(None, f"not complete within {self._timeout_s:g} s")
        except NoAnswer as error:
            self.answer = HttpAnswer(None, str(error))
        except (OSError, h11.ProtocolError, ValueError) as error:
            self.answer = HttpAnswer(None, quoted(error))
        finally:
            if self._handle is not None:
                self._handle.close()
            self.ended.set()

    def _request(self) -> h11.Request:
        address, headers = self._address, self._headers
        target = address.target
        if address.proxy and not address.tls:  # a proxy is told the whole address
            target, headers = f"http://{address.place}{target}", headers + _proxy_headers(address.proxy)
        own = [("Host", address.place)]
        if self._body is None:
            return h11.Request(method="GET", target=target, headers=own + headers)
        own += [("Content-Length", str(len(self._body)))]
        return h11.Request(method="POST", target=target, headers=own + headers)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        """An open connection to the server, through the proxy if there is one."""
        address, proxy = self._address, self._address.proxy
        place = (proxy.hostname or "", proxy.port or 80) if proxy else (address.host, address.port)
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.create_connection(place, self._timeout_s))
            self._handle = connection.dup()
            if self._was_cut:
                raise NoAnswer("cut")
            if address.tls:
                if proxy:
                    _tunnel(connection, address.place, proxy)
                connection = stack.enter_context(address.tls.wrap_socket(connection, server_hostname=address.host))
            yield connection


def _answer(connection: socket.socket, request: h11.Request, body: bytes | None, most_bytes: int) -> HttpAnswer:
    """Send a request and read its answer."""
    http = h11.Connection(h11.CLIENT)
    # A server that refuses early closes while we are still sending; its answer can still be read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(http.send(request) or b"")
        connection.sendall(http.send(h11.Data(body or b"")) or b"")
        connection.sendall(http.send(h11.EndOfMessage()) or b"")
    response = _response(connection, http)
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in response.headers}
    start, event = b"", None
    while len(start) < most_bytes and isinstance(event := _event(connection, http), h11.Data):
        start += bytes(event.data)
    said, is_whole = _unpacked(start[:most_bytes], headers.get("content-encoding", ""), most_bytes)
    if said is None and response.status_code < 300:
        encoding = quoted(headers["content-encoding"])
        raise NoAnswer(f"its answer {response.status_code} is compressed ({encoding}) and cannot be read")
    is_sized = "content-length" in headers or "transfer-encoding" in headers
    ends = is_sized and is_whole and isinstance(event, h11.EndOfMessage)
    return HttpAnswer(response.status_code, "", headers.get("retry-after"), said or b"", ends)


def _unpacked(body: bytes, encoding: str, most_bytes: int) -> tuple[bytes | None, bool]:
    """The start of a body that may have come compressed, and whether it comes to its end; None: it cannot be read."""
    named = encoding.strip().lower()
    if named in ("", "identity") or not body:
        return body, True
    if named not in ("gzip", "x-gzip", "deflate"):
        return None, False
    unpacker = zlib.decompressobj(_ANY_ZLIB)
    try:
        return unpacker.decompress(body, most_bytes), unpacker.eof
    except zlib.error:
        return None, False


def _tunnel(connection: socket.socket, place: str, proxy: SplitResult) -> None:
    """Ask the proxy to connect to the server."""
    http = h11.Connection(h11.CLIENT)
    request = h11.Request(method="CONNECT", target=place, headers=[("Host", place), *_proxy_headers(proxy)])
    connection.sendall(http.send(request) or b"")
    http.send(h11.EndOfMessage())
    response = _response(connection, http)
    if not 200 <= response.status_code < 300:
        raise NoAnswer(f"the proxy answered {response.status_code}: look at the proxy in the settings")


def _proxy_headers(proxy: SplitResult) -> Headers:
    if proxy.username is None:
        return []
    secret = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return [("Proxy-Authorization", f"Basic {base64.b64encode(secret).decode('ascii')}")]


def _response(connection: socket.socket, http: h11.Connection) -> h11.Response:
    """The answer after all interim ones."""
    for _ in range(MOST_INTERIM):
        event = _event(connection, http)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise NoAnswer("the connection was closed before the answer")
    raise NoAnswer(f"{MOST_INTERIM} interim answers and no end")


def _event(connection: socket.socket, http: h11.Connection) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        try:
            http.receive_data(connection.recv(_CHUNK))
        except ConnectionResetError:  # as if it had been closed
            http.receive_data(b"")
    return event
