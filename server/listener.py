"""uvicorn on an address, in a thread of its own, with places and descriptors that strangers cannot use up."""

import asyncio
import functools
import logging
import resource
import socket
import ssl
import threading
import time
from collections import Counter
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from common.errors import HydrologError
from common.settings_checks import is_loopback
from server.connections import Connection, Places
from server.handshake import SecureConnection
from server.plain_http import ToHttps

MAX_CONNECTIONS = 512  # a few senders, a few browsers with six each; the rest makes silent ones last longer
MAX_SECURE = 256  # of them where they speak TLS: each takes 0.3 MB then
MOST_BACKLOG = 1024  # connections that are accepted at once, before any of them has a place
OTHER_DESCRIPTORS = 64  # the database or the cluster, files, the event loop
HEAD_BYTES = 16 * 1024  # of a request's first line and headers; ours have 500
WAKE_S = 0.5  # real seconds until uvicorn notices a stop
GRACE_S = 2  # time for current requests to finish after SIGTERM

_log = logging.getLogger(__name__)


class _Uvicorn(uvicorn.Server):
    """uvicorn with two changes.

    It wakes twice a second instead of ten times, which was most of the idle cost. And it disconnects slow clients:
    uvicorn itself waits forever for the rest of a header.
    """

    def __init__(self, config: uvicorn.Config, places: Places) -> None:
        super().__init__(config)
        self.places = places

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            self.places.part_with_slow(time.monotonic())
            await asyncio.sleep(WAKE_S)


class Listener:
    """Listens until it is closed; signals stay with the main thread."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        most: int = MAX_CONNECTIONS,
        *,
        names: frozenset[str] = frozenset(),
    ) -> None:
        """
        Args:
            most: connections, if the system allows.
            names: those under which plain HTTP is sent on to TLS.
        """
        backlog, number = shares(_descriptors(most), most)
        handle = _listen(host, port, backlog)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{handle.getsockname()[1]}/"
        self._places = Places(min(number, MAX_SECURE) if tls else number)
        kind = functools.partial(SecureConnection, tls) if tls else Connection
        self._server = _Uvicorn(
            uvicorn.Config(
                ToHttps(app, names) if tls else app,
                lifespan="off",
                http=cast("type[asyncio.Protocol]", functools.partial(kind, self._places)),
                ws="none",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=backlog,
                h11_max_incomplete_event_size=HEAD_BYTES,
                timeout_graceful_shutdown=GRACE_S,
            ),
            self._places,
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [handle]}, name="http", daemon=True)
        self._thread.start()
        _log.info("listening url=%s", self.url)
        if not is_loopback(host) and tls is None:
            _log.warning("open_to_others host=%s passwords can be read on the way; see receiver.certificate", host)

    @property
    def serving(self) -> bool:
        return self._thread.is_alive()

    @property
    def counters(self) -> Counter[str]:
        """How many connections had to leave, and why."""
        return self._places.counters

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(GRACE_S + 1.0)


def shares(descriptors: int, most: int) -> tuple[int, int]:
    """How many connections may wait to be accepted, and how many places there are.

    asyncio accepts all that wait at once, and a second and third lot before the first that had to leave are closed.
    """
    backlog = min(_backlog(most), descriptors // 8)
    return backlog, min(most, max(descriptors // 8, descriptors - 3 * backlog - OTHER_DESCRIPTORS))


def _backlog(most: int) -> int:
    return min(MOST_BACKLOG, most // 4)


def _descriptors(most: int) -> int:
    """How many files this process may have open: what it needs, if it is allowed to."""
    wanted = most + 3 * _backlog(most) + OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio disables Nagle's algorithm only for sockets with a protocol number: saves 40 ms per answer.
        handle = socket.socket(family, kind, protocol)
        try:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            handle.bind(address)
            handle.listen(backlog)
        except OSError:
            handle.close()
            raise
    except OSError as error:  # taken, not an address of this machine, or below 1024 without privilege
        raise HydrologError(
            f"receiver.host, receiver.port: cannot listen on {host}:{port}: {error.strerror}"
        ) from error
    return handle
