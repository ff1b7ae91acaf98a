"""One POST: a complete answer or none, within one deadline, and only to the configured address.

The exchange runs in its own thread, because a server that sends one byte a second never triggers a socket timeout. The
waiting side uses the deadline and the stop event, and closes the connection if the thread is late. http.client follows
no redirect, retries nothing, reads no proxy variables, and accepts a socket that can be closed.
"""

import contextlib
import http.client
import ipaddress
import logging
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from common.errors import SettingsError
from common.logging_setup import quoted
from common.version import NAME, version
from consumer.answers import HttpAnswer

ANSWER_BYTES = 4096  # bytes kept of the answer's body: enough to see the server's message
LOOK_S = 0.05  # how often a wait checks the stop event
CUT_S = 2.0  # a thread whose connection was closed ends within this; a name lookup may take longer

_PATH_SAFE = "/%:@!$&'()*+,;=~-._?"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerAddress:
    """The address to which batches are sent."""

    host: str
    port: int
    target: str  # path and query
    tls: ssl.SSLContext | None

    @classmethod
    def parse(cls, url: str) -> "ServerAddress":
        """Parse `server.url`, whose form the settings have checked."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        try:
            host.encode("idna")
        except UnicodeError as error:
            raise SettingsError("server.url", f"{quoted(host)} is not a host name") from error
        target = quote(parts.path or "/", safe=_PATH_SAFE) + (
            f"?{quote(parts.query, safe=_PATH_SAFE)}" * bool(parts.query)
        )
        if parts.scheme == "https":
            return cls(host, parts.port or 443, target, ssl.create_default_context())
        if not _is_loopback(host):
            _log.warning("server_not_encrypted host=%s the token can be read on the way; use https", quoted(host))
        return cls(host, parts.port or 80, target, None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Poster:
    """Sends batches to one address. `post` blocks for at most `timeout_s` or until `stop` is set."""

    def __init__(self, address: ServerAddress, timeout_s: float, stop: threading.Event) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._stop = stop
        self._exchange: _Exchange | None = None

    def post(self, body: bytes, key: str, token: str) -> HttpAnswer:
        """Send one batch; returns the answer. If `stop` is set meanwhile there is no answer."""
        if self._exchange is not None and not self._exchange.left_within(CUT_S):
            return HttpAnswer(None, "the attempt before this one has not ended yet")
        headers = {
            "Content-Type": "text/tab-separated-values; charset=utf-8",
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key,
            "User-Agent": f"{NAME}/{version()}",
            "Connection": "close",
        }
        self._exchange = _Exchange(self._address, self._timeout_s, body, headers)
        self._exchange.start()
        if self._ended_in_time(self._exchange):
            return _without(token, self._exchange.answer)
        self._exchange.cut()
        if self._stop.is_set():
            return HttpAnswer(None, "this process was asked to stop")
        return _late(self._timeout_s)

    def _ended_in_time(self, exchange: "_Exchange") -> bool:
        deadline_s = time.monotonic() + self._timeout_s
        while not exchange.ended.wait(LOOK_S):
            if self._stop.is_set() or time.monotonic() >= deadline_s:
                return False
        return True


class _Exchange:
    """One request and its answer, in its own thread."""

    def __init__(self, address: ServerAddress, timeout_s: float, body: bytes, headers: dict[str, str]) -> None:
        self.ended = threading.Event()
        self.answer = HttpAnswer(None, "nothing came")
        self._address = address
        self._timeout_s = timeout_s
        self._request = (body, headers)
        self._handle: socket.socket | None = None  # a duplicate of the connection, to close it from outside
        self._was_cut = False
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)  # exiting need not wait

    def start(self) -> None:
        """Start; `ended` is set when there is an answer."""
        self._thread.start()

    def left_within(self, wait_s: float) -> bool:
        """Whether its thread ends within this time."""
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.answer = self._talk()
        except ssl.SSLCertVerificationError as error:
            self.answer = HttpAnswer(None, f"its certificate is not trusted: {quoted(error.verify_message)}")
        except TimeoutError:
            self.answer = _late(self._timeout_s)
        except http.client.IncompleteRead:
            self.answer = HttpAnswer(None, "the answer was cut off")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.answer = HttpAnswer(None, f"{type(error).__name__} {quoted(error)}")
        finally:
            if self._handle is not None:
                self._handle.close()
            self.ended.set()

    def cut(self) -> None:
        """Close the connection from outside: the thread's wait on the socket then fails."""
        self._was_cut = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # it has just ended by itself
                self._handle.shutdown(socket.SHUT_RDWR)

    def _talk(self) -> HttpAnswer:
        with contextlib.closing(self._connection()) as connection:
            if self._was_cut:
                return HttpAnswer(None, "cut")
            body, headers = self._request
            # A server that refuses early closes while we are still sending; its answer can still be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", self._address.target, body, headers)
            response = connection.getresponse()
            start = response.read(ANSWER_BYTES)
            if response.length and len(start) < ANSWER_BYTES:
                raise http.client.IncompleteRead(start, response.length)
            return HttpAnswer(response.status, "", response.getheader("Retry-After"), start)

    def _connection(self) -> http.client.HTTPConnection:
        """An open connection on our own socket."""
        address = self._address
        sock = socket.create_connection((address.host, address.port), self._timeout_s)
        self._handle = sock.dup()
        if address.tls is None:
            connection = http.client.HTTPConnection(address.host, address.port)
        else:
            connection = http.client.HTTPSConnection(address.host, address.port, context=address.tls)
            sock = address.tls.wrap_socket(sock, server_hostname=address.host)
        connection.sock = sock
        return connection


def _late(timeout_s: float) -> HttpAnswer:
    return HttpAnswer(None, f"not complete within {timeout_s:g} s")


def _without(token: str, answer: HttpAnswer) -> HttpAnswer:
    """The answer without our token, in case the server returns it."""
    body = answer.body.replace(token.encode(), b"[token]")
    return HttpAnswer(answer.status, answer.problem.replace(token, "[token]"), answer.retry_after, body)
