"""The process: HTTP in its own thread, and a step each second that checks whether it can work.

If the database is down or the port is taken, it waits. Meanwhile senders get 503 with Retry-After and keep their rows,
and the page says what is missing.
"""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import date, datetime
from typing import Any

import uvicorn

from common.database import Database
from common.errors import DatabaseDown, HydrologError
from common.runner import Context
from common.settings import RECEIVER_TOKEN, read_token
from common.settings_checks import is_loopback
from server.app import build
from server.db_thread import DatabaseThread
from server.ingest import Ingest
from server.pages import Page
from server.store import SLICE_ROWS, drop_old

MAX_CONNECTIONS = 100  # a few senders and a few browsers with six connections each; more get 503
WAKE_S = 0.5  # real seconds until uvicorn notices a stop
HEADERS_S = 10.0  # a connection without a request for this long blocks a place that others need
EXCHANGE_S = 60.0  # longer than a slow body and a slow database together
GRACE_S = 2  # time for current requests to finish after SIGTERM
PING_S = 12.0  # longer than one connection attempt plus one slow query of the page

_log = logging.getLogger(__name__)


class Receiver:
    """The worker of hydrolog-server."""

    def __init__(self, context: Context) -> None:
        settings = context.settings
        token = read_token(RECEIVER_TOKEN, settings.receiver.token_file, "receiver.token_file")
        self._receiver = settings.receiver
        self._batches, self._pages = DatabaseThread(settings, "receiver"), DatabaseThread(settings, "page")
        self._ingest = Ingest(self._batches, token)
        self._app = build(self._ingest, Page(self._pages, settings, context.clock))
        self._http: _Http | None = None
        self._cleaned: date | None = None

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Serve, and check that rows can be stored.

        Raises:
            HydrologError: the address cannot be used, or the database does not answer.
        """
        if self._http is None or not self._http.serving:
            self._http = _Http(self._app, self._receiver.host, self._receiver.port)
        try:
            self._pages.submit(_ping).result(PING_S)
        except FutureTimeout as error:
            raise DatabaseDown(f"the database has not answered for {PING_S:g} s") from error
        self._clean_up(now.date())
        return {"url": self._http.url, **self._ingest.counters}

    def _clean_up(self, today: date) -> None:
        """Once a day delete rows older than a year, a slice per step, so that no batch has to wait."""
        if self._cleaned != today and self._batches.submit(drop_old).result() < SLICE_ROWS:
            self._cleaned = today

    def close(self) -> None:
        """Finish current requests and stop."""
        if self._http is not None:
            self._http.close()
        self._batches.close()
        self._pages.close()


def _ping(database: Database) -> None:
    with database.transaction(PING_S) as cursor:
        cursor.execute("SELECT 1 FROM RECEIVED_TB LIMIT 1")


class _Uvicorn(uvicorn.Server):
    """uvicorn with two changes.

    It wakes twice a second instead of ten times, which was most of the idle cost. And it disconnects slow clients:
    uvicorn itself waits forever for the rest of a header.
    """

    async def main_loop(self) -> None:
        slow = _SlowClients()
        while not await self.on_tick(0):
            slow.part_with(self.server_state.connections, time.monotonic())
            await asyncio.sleep(WAKE_S)


class _SlowClients:
    """Clients that keep the server waiting, and since when."""

    def __init__(self) -> None:
        self._waiting: dict[Any, tuple[Any, float]] = {}  # connection -> its current request, and since when

    def part_with(self, connections: Iterable[Any], now_s: float) -> None:
        """Close the connections that have been in the same state for too long."""
        waiting: dict[Any, tuple[Any, float]] = {}
        for connection in connections:
            cycle = connection.cycle  # the current request, or the last one
            is_busy = cycle is not None and not cycle.response_complete
            at, since_s = self._waiting.get(connection, (None, 0.0))
            waiting[connection] = (at, since_s) if at == (cycle, is_busy) else ((cycle, is_busy), now_s)
            if now_s - waiting[connection][1] > (EXCHANGE_S if is_busy else HEADERS_S):
                connection.transport.abort()
        self._waiting = waiting


class _Http:
    """uvicorn on an address, in a thread; signals stay with the main thread."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        handle = _listen(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{handle.getsockname()[1]}/"
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                http="h11",
                ws="none",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [handle]}, name="http", daemon=True)
        self._thread.start()
        _log.info("listening url=%s", self.url)
        if not is_loopback(host):
            _log.warning("open_to_others host=%s the page has no password; put a reverse proxy in front of it", host)

    @property
    def serving(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(GRACE_S + 1.0)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio disables Nagle's algorithm only for sockets with a protocol number: saves 40 ms per answer.
        handle = socket.socket(family, kind, protocol)
        try:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            handle.bind(address)
            handle.listen(MAX_CONNECTIONS)
        except OSError:
            handle.close()
            raise
    except OSError as error:  # taken, not an address of this machine, or below 1024 without privilege
        raise HydrologError(
            f"receiver.host, receiver.port: cannot listen on {host}:{port}: {error.strerror}"
        ) from error
    return handle
