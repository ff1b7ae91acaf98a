"""A server that can be told to answer anything: refuse, hang, drip, cut, or keep the rows and say nothing.

It stands for every receiver in the world, so it speaks HTTP by hand on a socket. What it keeps it keeps row by row
under (log id, offset), and it notices when the same row or the same key comes with other bytes.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    target: str
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def log_id(self) -> str:
        return self.key.split("/")[1]

    @property
    def lines(self) -> list[str]:
        return self.body.decode().splitlines()

    @property
    def offsets(self) -> list[int]:
        return [int(line.split("\t")[0]) for line in self.lines]


Behaviour = Callable[["HttpServer", Request, socket.socket], None]


@dataclass
class HttpServer:
    """Listens on a free port of 127.0.0.1; `behave` may be replaced at any time."""

    behave: Behaviour
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    rows: dict[tuple[str, int], str] = field(default_factory=dict)  # kept rows
    arrivals: list[int] = field(default_factory=list)  # offsets in the order in which they were kept first
    repeats: int = 0
    conflicts: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies: dict[str, bytes] = {}
        self._threads: list[threading.Thread] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1/batches"

    def keep(self, request: Request) -> None:
        """Keep the rows of a request, each once."""
        with self._lock:
            for offset, line in zip(request.offsets, request.lines, strict=True):
                known = self.rows.setdefault((request.log_id, offset), line)
                if known is line:
                    self.arrivals.append(offset)
                else:
                    self.repeats += 1
                if known != line:
                    self.conflicts.append(f"{known} / {line}")

    def close(self) -> None:
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.listener.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> "HttpServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(10)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                request = _read(connection)
                with self._lock:
                    self.requests.append(request)
                    if request.body and self._bodies.setdefault(request.key, request.body) != request.body:
                        self.conflicts.append(f"key {request.key}")
                self.behave(self, request, connection)


def _read(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := connection.recv(65536)):
            raise ValueError("no request")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        if not (chunk := connection.recv(65536)):
            raise ValueError("cut off")
        body += chunk
    return Request(first.split(" ")[1], headers, body)


def accept(server: HttpServer, request: Request, connection: socket.socket) -> None:
    server.keep(request)
    send(connection, 200)


def send(connection: socket.socket, status: int, body: bytes = b"{}", **headers: str) -> None:
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{extra}Connection: close\r\n\r\n"
    connection.sendall(head.encode("latin-1") + body)


def answer(status: int, body: bytes = b"{}", **headers: str) -> Behaviour:
    """Always this status; nothing is kept."""
    return lambda _server, _request, connection: send(connection, status, body, **headers)


def hang(server: HttpServer, _request: Request, _connection: socket.socket) -> None:
    server.stopped.wait(600)


def drop_after_keeping(server: HttpServer, request: Request, _connection: socket.socket) -> None:
    server.keep(request)


def drop(_server: HttpServer, _request: Request, _connection: socket.socket) -> None:
    """Close without a word."""


def garbage(_server: HttpServer, _request: Request, connection: socket.socket) -> None:
    connection.sendall(b"\x00\xff SSH-2.0 what is this\r\n\r\n")


def cut_answer(server: HttpServer, request: Request, connection: socket.socket) -> None:
    """Keep the rows, promise a longer answer than comes."""
    server.keep(request)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")


def drip(server: HttpServer, _request: Request, connection: socket.socket) -> None:
    """A byte now and then, for ever: no timeout of a socket notices."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not server.stopped.wait(0.05):
        connection.sendall(b"x")


def at_most(rows: int) -> Behaviour:
    """413 for more rows than that."""

    def behave(server: HttpServer, request: Request, connection: socket.socket) -> None:
        if len(request.lines) > rows:
            send(connection, 413)
        else:
            accept(server, request, connection)

    return behave


def refuse_offsets(*offsets: int, status: int = 400) -> Behaviour:
    """Refuse any batch that holds one of these rows."""

    def behave(server: HttpServer, request: Request, connection: socket.socket) -> None:
        if set(offsets) & set(request.offsets):
            send(connection, status, b'{"error": "bad row"}')
        else:
            accept(server, request, connection)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last one for ever."""
    left = list(behaviours)

    def behave(server: HttpServer, request: Request, connection: socket.socket) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(server, request, connection)

    return behave
