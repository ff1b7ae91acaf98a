"""For tests: Modbus meters with the habits of real ones, on a TCP port or at the far end of a wire.

Each register is a float32 at an even address; others are refused.
"""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping

from modbus_bus import framed, query

VALUES = {0: 8.02, 2: 4.11, 10: 99.9}
WAIT_S = 0.02


def words(values: Mapping[int, float], address: int, count: int) -> bytes | None:
    """The registers' bytes; none if one is missing."""
    image = {at + place: struct.pack(">f", value)[2 * place :][:2] for at, value in values.items() for place in (0, 1)}
    wanted = range(address, address + count)
    return b"".join(image[at] for at in wanted) if all(at in image for at in wanted) else None


def body(request: bytes, values: Mapping[int, float] = VALUES) -> bytes:
    """Unit, function and data of the answer to a request's first six bytes."""
    unit, function, address, count = struct.unpack(">BBHH", request[:6])
    data = words(values, address, count)
    if data is None:
        return bytes((unit, function | 0x80, 2))
    return bytes((unit, function, len(data))) + data


class TcpMeter:
    """A server that closes after each answer, or after a while without a question."""

    def __init__(self, *, close_after: int = 0, idle_s: float = 0.0) -> None:
        self.connections = 0
        self.asked: list[tuple[float, int]] = []  # when, and from which address on
        self._close_after = close_after
        self._idle_s = idle_s
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listening.getsockname()[1]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._listening.settimeout(WAIT_S)
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listening.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        heard, answers, last_s = b"", 0, time.monotonic()
        while not self._stop.is_set():
            if not select.select([connection], [], [], WAIT_S)[0]:
                if self._idle_s and time.monotonic() - last_s > self._idle_s:
                    return
                continue
            if not (chunk := connection.recv(1024)):
                return
            heard += chunk
            while len(heard) >= 12:
                request, heard = heard[:12], heard[12:]
                last_s = time.monotonic()
                self.asked.append((last_s, int.from_bytes(request[8:10], "big")))
                said = body(request[6:])
                connection.sendall(request[:4] + len(said).to_bytes(2, "big") + said)
                answers += 1
                if answers == self._close_after:
                    return

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._listening.close()


class WireMeter:
    """A unit on an RS-485 line, which ignores some registers; every so many requests another master asks it first."""

    def __init__(
        self, place: str, *, ignores: tuple[int, ...] = (), others_every: int = 0, late_s: float = WAIT_S
    ) -> None:
        self._ignores = ignores
        self._late_s = late_s
        self._others_every = others_every
        self._line = os.open(place, os.O_RDWR | os.O_NOCTTY)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        heard, requests = b"", 0
        while not self._stop.is_set():
            if select.select([self._line], [], [], WAIT_S)[0]:
                heard += os.read(self._line, 4096)
            while len(heard) >= 8:
                request, heard = heard[:8], heard[8:]
                requests += 1
                if self._others_every and requests % self._others_every == 0:
                    other = query(request[0], 10, 2)
                    self._say(other)
                    self._say(framed(body(other)))
                if int.from_bytes(request[2:4], "big") not in self._ignores:
                    self._say(framed(body(request)))

    def _say(self, data: bytes) -> None:
        self._stop.wait(self._late_s)
        os.write(self._line, data)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._line)
