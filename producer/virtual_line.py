"""A line that is no hardware: frames wait in a queue of bounded size until its end takes them."""

import time
from collections import deque
from collections.abc import Callable

from producer.virtual_port import End

MOST_WAITING = 50_000  # frames, some 3 MB: four meters for three and a half hours without a reader
DRAIN_S = 2.0  # real seconds: a reader that is there takes what waits within that


class VirtualLine:
    """`send` puts frames in the queue, `flush` writes what fits; `dropped` counts frames that had no room."""

    def __init__(self, end: End) -> None:
        self.dropped = 0
        self._end = end
        self._waiting: deque[tuple[bytes, Callable[[], None]]] = deque()
        self._written = 0  # bytes of the first waiting frame that are out already
        self._plugged = False
        self.plug()

    @property
    def waiting(self) -> int:
        """Frames that have not been written yet."""
        return len(self._waiting)

    def plug(self) -> None:
        """Be there."""
        self._end.plug()
        self._plugged = True

    def unplug(self) -> None:
        """Pull the cable, once what was sent has been read; what waits is lost, as on a cable."""
        self.drain()
        self._waiting.clear()
        self._written = 0
        self._end.unplug()
        self._plugged = False

    def send(self, frame: bytes, sent: Callable[[], None]) -> None:
        """Queue a frame; `sent` is called when all of it is on the line."""
        if not self._plugged:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((frame, sent))

    def flush(self) -> None:
        """Write what the line takes now."""
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
        """What the other end says within real seconds."""
        return self._end.read(wait_s)

    def drain(self) -> None:
        """Wait, not for long, until a reader has taken everything."""
        give_up_s = time.monotonic() + DRAIN_S
        while time.monotonic() < give_up_s:
            self.flush()
            if not self._waiting and not (self._plugged and self._end.unread()):
                return
            time.sleep(0.01)

    def close(self) -> None:
        """Take the port away for good."""
        self.unplug()
