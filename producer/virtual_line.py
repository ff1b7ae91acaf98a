"""A virtual line: frames wait in a bounded queue until the end takes them."""

import time
from collections import deque
from collections.abc import Callable

from producer.virtual_port import LineEnd

MOST_WAITING = 50_000  # frames, about 3 MB: four meters for three and a half hours without a reader
DRAIN_S = 2.0  # real seconds: a connected reader takes the waiting frames within this


class VirtualLine:
    """`send` puts frames in the queue, `flush` writes what fits; `dropped` counts frames that had no room."""

    def __init__(self, end: LineEnd) -> None:
        self.dropped = 0
        self._end = end
        self._waiting: deque[tuple[bytes, Callable[[], None]]] = deque()
        self._written = 0  # bytes of the first waiting frame already written
        self._plugged = False
        self.plug()

    @property
    def waiting(self) -> int:
        """Frames that have not been written yet."""
        return len(self._waiting)

    def plug(self) -> None:
        """Plug in the cable."""
        self._end.plug()
        self._plugged = True

    def unplug(self) -> None:
        """Unplug the cable after the sent bytes have been read; waiting frames are lost, as on a real cable."""
        self.drain()
        self._waiting.clear()
        self._written = 0
        self._end.unplug()
        self._plugged = False

    def send(self, frame: bytes, sent: Callable[[], None]) -> None:
        """Queue a frame; `sent` is called when it is completely written."""
        if not self._plugged:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((frame, sent))

    def flush(self) -> None:
        """Write as much as the line takes now."""
        while self._plugged and self._waiting:
            frame, sent = self._waiting[0]
            took = self._end.write(frame[self._written :])
            if not took:
                return
            self._written += took
            if self._written >= len(frame):
                self._waiting.popleft()
                self._written = 0
                sent()

    def hear(self, wait_s: float) -> bytes:
        """The bytes that the other end sends within `wait_s` real seconds."""
        return self._end.read(wait_s)

    def drain(self) -> None:
        """Wait briefly until a reader has taken everything."""
        give_up_s = time.monotonic() + DRAIN_S
        while time.monotonic() < give_up_s:
            self.flush()
            if not self._waiting and not (self._plugged and self._end.unread()):
                return
            time.sleep(0.01)

    def close(self) -> None:
        """Remove the port."""
        self.unplug()
