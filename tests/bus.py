"""For tests: two ptys joined like the two ends of a bus, with whatever disturbs the wire between them."""

import os
import select
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Callable
from pathlib import Path

from waiting import wait_for

POLL_S = 0.02


class Wire:
    """`link` is one end, `far` the other. `disturb` changes what the meters say; units in `deaf` hear nothing."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.disturb: Callable[[bytes], bytes] = bytes
        self.deaf: set[int] = set()
        self._ends: list[tuple[int, int]] = [os.openpty(), os.openpty()]
        for _, slave in self._ends:
            tty.setraw(slave)
        self.far = os.ttyname(self._ends[1][1])
        self._replug(self._ends[0][1])
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._pump = threading.Thread(target=self._carry)
        self._pump.start()

    def _replug(self, slave: int) -> None:
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))

    def unplug(self) -> None:
        """Take the near end away."""
        with self._lock:
            for end in self._ends[0]:
                os.close(end)
            self.link.unlink()
            self._ends[0] = (-1, -1)

    def plug(self) -> None:
        """Another device, under the same link."""
        with self._lock:
            self._ends[0] = os.openpty()
            tty.setraw(self._ends[0][1])
            self._replug(self._ends[0][1])

    def _carry(self) -> None:
        while not self._stop.wait(0.001):
            with self._lock:
                near, far = self._ends[0][0], self._ends[1][0]
                ready = select.select([end for end in (near, far) if end >= 0], [], [], POLL_S)[0]
                if near in ready:
                    request = os.read(near, 4096)
                    if request[0] not in self.deaf:
                        os.write(far, request)
                if far in ready:
                    chunk = self.disturb(os.read(far, 4096))
                    if near >= 0 and chunk:
                        os.write(near, chunk)

    def close(self) -> None:
        self._stop.set()
        self._pump.join()
        for pair in self._ends:
            for end in pair:
                if end >= 0:
                    os.close(end)


class Server:
    """pymodbus's server on a tty or a TCP port of the loopback."""

    def __init__(self, place: str, framing: str = "rtu") -> None:
        script = Path(__file__).with_name("modbus_server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), place, framing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def listening(port: int) -> None:
    """Wait until somebody accepts connections there."""

    def answers() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    wait_for(answers, "the server")
