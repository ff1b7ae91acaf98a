"""Boxes that deliver over HTTP, as cheap as they can be: all requests are ready before the clock starts."""

import heapq
import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

TOKEN = "s3cret-of-the-bench"
LOG_ID = "6f1c0c7e-0000-4000-8000-000000000001"
START = datetime.fromisoformat("2024-08-26T00:00:00+09:00")  # of each site's first row
PATIENCE_S = 300.0  # far more than any run takes
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_AFTER = re.compile(rb"(?i)\r\nretry-after: *(\d+)")
RESET_S = 5.0  # after which a box whose connection has ended comes again
AT_ONCE = 512  # connections that are begun before answers are looked at: as many as the server's queue holds


def request(site: str, first: int, rows: int) -> bytes:
    """A batch of one site as it goes over the wire."""
    body = "".join(f"{_line(site, offset)}\n" for offset in range(first, first + rows)).encode()
    head = (
        "POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: hydrolog/0.2\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: text/tab-separated-values; charset=utf-8\r\n"
        f"Idempotency-Key: {site}/{LOG_ID}/{first}-{first + rows - 1}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _address(place: int) -> str:
    return f"127.{1 + place // 62_500}.{place // 250 % 250}.{1 + place % 250}"


def _line(site: str, offset: int) -> str:
    """A row, with values that differ from the others' as those of meters do."""
    noise = crc32(f"{site} {offset}".encode())
    flow, pressure = 5 + noise % 997 / 100, 4 + (noise >> 12) % 37 / 100
    time_ = f"{START + timedelta(minutes=offset):%Y-%m-%dT%H:%M}"
    return f"{offset}\t{time_}:00+09:00\t001\t{flow:.2f}\t{pressure:.2f}\t60\t0000\t000\t0\t0"


@dataclass(slots=True)
class Box:
    """One connection: what it still has to send, and the batches that wait for their turn."""

    batches: list[bytes]
    address: str  # of its own, as boxes have that no balancer hides
    handle: socket.socket | None = None
    batch: bytes = b""
    sent: int = 0
    got: bytes = b""
    asked_s: float = 0.0
    put_off: int = 0


@dataclass(slots=True)
class Told:
    """What the boxes were told: answers by status (0: the connection ended), seconds from a batch's first byte to its
    200, and of the whole; and how many boxes were put off how often."""

    statuses: Counter[int] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    put_off: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


class Crowd:
    """Each box delivers its batches one after the other over one connection, all boxes at the same time."""

    def __init__(self, port: int, batches: Sequence[Sequence[bytes]], *, once: bool = False) -> None:
        """`once`: any answer is enough."""
        self._port, self._selector, self.told, self._once = port, selectors.DefaultSelector(), Told(), once
        self._new = [Box(list(reversed(each)), _address(place)) for place, each in enumerate(reversed(batches))]
        self._later: list[tuple[float, int, Box]] = []  # when to come again; a heap
        self._left = len(self._new)

    def run(self) -> None:
        started_s = time.monotonic()
        while self._left:
            now_s = time.monotonic()
            if now_s - started_s > PATIENCE_S:
                raise RuntimeError(f"{self._left} boxes have no answer after {PATIENCE_S:g} s: {self.told}")
            for _ in range(min(len(self._new), AT_ONCE)):
                self._come(self._new.pop())
            while self._later and self._later[0][0] <= now_s:
                self._come(heapq.heappop(self._later)[2])
            for key, _ in self._selector.select(0 if self._new else 0.2):
                try:
                    self._go_on(key.data)
                except OSError:
                    self._answered(key.data, 0, RESET_S)
        self.told.seconds = time.monotonic() - started_s

    def _come(self, box: Box) -> None:
        box.handle = socket.socket()
        box.handle.setblocking(False)
        box.handle.bind((box.address, 0))
        box.handle.connect_ex(("127.0.0.1", self._port))
        self._selector.register(box.handle, selectors.EVENT_WRITE, box)
        if not box.batch:
            box.batch, box.asked_s = box.batches.pop(), time.monotonic()
        box.sent, box.got = 0, b""

    def _go_on(self, box: Box) -> None:
        assert box.handle is not None
        if box.sent < len(box.batch):
            box.sent += box.handle.send(memoryview(box.batch)[box.sent :])
            if box.sent == len(box.batch):
                self._selector.modify(box.handle, selectors.EVENT_READ, box)
            return
        data = box.handle.recv(65536)
        box.got += data
        head, end, body = box.got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length is not None and len(body) >= int(length[1]):
            after = _AFTER.search(head)
            self._answered(box, int(head[9:12]), float(after[1]) if after else RESET_S)
        elif not data:
            self._answered(box, 0, RESET_S)

    def _answered(self, box: Box, status: int, again_s: float) -> None:
        self.told.statuses[status] += 1
        assert box.handle is not None
        if status == 200:
            self.told.waits_s.append(time.monotonic() - box.asked_s)
            if box.batches:
                box.batch, box.asked_s, box.sent, box.got = box.batches.pop(), time.monotonic(), 0, b""
                self._selector.modify(box.handle, selectors.EVENT_WRITE, box)
                return
        self._selector.unregister(box.handle)
        box.handle.close()
        if status == 200 or self._once:
            self._left -= 1
            self.told.put_off[box.put_off] += 1
        else:
            box.put_off += 1
            heapq.heappush(self._later, (time.monotonic() + again_s, id(box), box))


def deliver(port: int, batches: Sequence[Sequence[bytes]], *, once: bool = False) -> Told:
    """See `Crowd`; returns when each batch has had its 200, or an answer.

    Raises:
        RuntimeError: that takes too long.
    """
    crowd = Crowd(port, batches, once=once)
    crowd.run()
    return crowd.told
