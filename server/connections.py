"""The places for connections: who gets one, who has to leave, and when.

Whoever has no place cannot be heard, so a new connection always gets one. When none is free, the oldest silent
connection leaves, first of the address that holds most; a batch with the right token never does.
"""

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 30.0  # a connection without a request for this long; ten thousand that come at once take a while to be read
EXCHANGE_S = 60.0  # longer than a slow body and a slow database together

_log = logging.getLogger(__name__)


class Connection(H11Protocol):
    """One client."""

    def __init__(self, places: "Places", **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.places = places
        self.address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.take_place(transport)

    def take_place(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.address = network(str(peer[0])) if peer else ""
        self.places.take(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.places.leave(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self.places.answered(self)
        super().on_response_complete()

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def streaming(self) -> bool:
        """Whether that request is answered for as long as a page is open."""
        return self.busy and bool(self.scope["state"].get("streaming"))

    @property
    def trusted(self) -> bool:
        """Whether that request has shown the token."""
        return self.busy and bool(self.scope["state"].get("trusted"))


class _Clients:
    """The connections of each address, oldest first; and which address has most, without a look at all of them."""

    def __init__(self) -> None:
        self._of: dict[str, dict[Connection, None]] = {}
        self._with: dict[int, dict[str, None]] = {}  # number of connections -> addresses that have so many
        self._most = 0

    def add(self, connection: Connection) -> None:
        """A new one, or one that is the newest again."""
        held = self._of.setdefault(connection.address, {})
        before = len(held)
        held.pop(connection, None)
        held[connection] = None
        self._count(connection.address, before, len(held))

    def remove(self, connection: Connection) -> None:
        held = self._of[connection.address]
        del held[connection]
        if not held:
            del self._of[connection.address]
        self._count(connection.address, len(held) + 1, len(held))

    def of_largest(self) -> Iterable[Connection]:
        """The connections of the address that has most."""
        return self._of[next(iter(self._with[self._most]))]

    def _count(self, address: str, before: int, after: int) -> None:
        if before == after:
            return
        if before:
            del self._with[before][address]
            if not self._with[before]:
                del self._with[before]
        if after:
            self._with.setdefault(after, {})[address] = None
        self._most = max(self._most, after) if self._most in self._with else after  # it changes by one


class Places:
    """All connections, oldest first: since they came, or since their last answer."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._open: dict[Connection, None] = {}
        self._clients = _Clients()
        self._waiting: dict[Connection, tuple[Any, float]] = {}  # -> its current request, and since when
        self.counters: Counter[str] = Counter(crowded_out=0, too_slow=0)

    def take(self, connection: Connection) -> None:
        """Give it a place, another one's if none is free."""
        self._open[connection] = None
        self._clients.add(connection)
        if len(self._open) > self._number:
            self._part_with(self._least_missed(), "crowded_out")

    def answered(self, connection: Connection) -> None:
        """It is silent again: it has to leave later than those that have not asked since."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None
            self._clients.add(connection)

    def leave(self, connection: Connection) -> None:
        if connection in self._open:
            del self._open[connection]
            self._clients.remove(connection)

    def part_with_slow(self, now_s: float) -> None:
        """Close the connections that have been in the same state for too long."""
        waiting: dict[Connection, tuple[Any, float]] = {}
        for connection in list(self._open):
            state = (connection.cycle, connection.busy)
            before, since_s = self._waiting.get(connection, (None, 0.0))
            waiting[connection] = (state, since_s if before == state else now_s)
            if not connection.streaming and now_s - waiting[connection][1] > (
                EXCHANGE_S if connection.busy else HEADERS_S
            ):
                self._part_with(connection, "too_slow")
        self._waiting = waiting

    def _least_missed(self) -> Connection:
        largest = self._clients.of_largest()
        wishes: tuple[tuple[Iterable[Connection], Callable[[Connection], bool]], ...] = (
            (largest, lambda one: not one.busy),
            (self._open, lambda one: not one.busy),
            (largest, lambda one: not one.trusted),
            (self._open, lambda one: not one.trusted),
        )
        found = (one for some, wish in wishes for one in some if wish(one))
        return next(found, next(reversed(self._open)))  # all are trusted: the one that came last

    def _part_with(self, connection: Connection, why: str) -> None:
        self.counters[why] += 1
        _log.warning("closed reason=%s address=%s connections=%d", why, connection.address, len(self._open))
        self.leave(connection)
        connection.transport.abort()


def network(address: str) -> str:
    """What one client can choose its address from: an IPv6 line has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
        found = found.ipv4_mapped
    return str(found)
