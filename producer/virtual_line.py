"""A pseudo-terminal that looks like a serial port: whoever opens the link reads what is written here.

The other end is kept open here too, so nothing is lost while its reader is away: bytes wait in the kernel's buffer,
then in a queue of bounded size.
"""

import fcntl
import os
import struct
import termios
import time
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path

MOST_WAITING = 50_000  # frames, some 3 MB: four meters for three and a half hours without a reader
DRAIN_S = 2.0  # real seconds: a reader that is there takes what waits within that


class VirtualLine:
    """`send` puts frames in the queue, `flush` writes what fits; `dropped` counts frames that had no room."""

    def __init__(self, link: Path) -> None:
        self.dropped = 0
        self._link = link
        self._waiting: deque[tuple[bytes, Callable[[], None]]] = deque()
        self._written = 0  # bytes of the first waiting frame that are out already
        self._ends: tuple[int, int] | None = None
        self.plug()

    @property
    def waiting(self) -> int:
        """Frames that have not been written yet."""
        return len(self._waiting)

    def plug(self) -> None:
        """Make the port and point the link at it."""
        ours, theirs = os.openpty()
        tty.setraw(theirs)  # no echo, no translation of line ends
        os.set_blocking(ours, False)
        self._ends = ours, theirs
        temporary = self._link.with_name(self._link.name + ".new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(theirs))
        temporary.replace(self._link)

    def unplug(self) -> None:
        """Pull the cable, once what was sent has been read; what waits is lost, as on a cable."""
        self.drain()
        self._waiting.clear()
        self._written = 0
        self._link.unlink(missing_ok=True)
        self._close()

    def send(self, frame: bytes, sent: Callable[[], None]) -> None:
        """Queue a frame; `sent` is called when all of it is on the line."""
        if self._ends is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((frame, sent))

    def flush(self) -> None:
        """Write what the line takes now."""
        while self._ends and self._waiting:
            frame, sent = self._waiting[0]
            try:
                self._written += os.write(self._ends[0], frame[self._written :])
            except BlockingIOError:
                return
            if self._written >= len(frame):
                self._waiting.popleft()
                self._written = 0
                sent()

    def drain(self) -> None:
        """Wait, not for long, until a reader has taken everything."""
        give_up_s = time.monotonic() + DRAIN_S
        while time.monotonic() < give_up_s:
            self.flush()
            if not self._waiting and not self._unread():
                return
            time.sleep(0.01)

    def _unread(self) -> int:
        if self._ends is None:
            return 0
        answer = fcntl.ioctl(self._ends[1], termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])

    def _close(self) -> None:
        if self._ends:
            for end in self._ends:
                os.close(end)
        self._ends = None

    def close(self) -> None:
        """Take the port away for good."""
        self.unplug()
