"""Ends of a virtual line: a pseudo-terminal that looks like a serial port, and a TCP port like that of a serial server.
A program that opens them reads what is written here.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import termios
import tty
from pathlib import Path
from typing import Protocol

CHUNK = 4_096


class LineEnd(Protocol):
    """Our end of a line."""

    def plug(self) -> None:
        """Make the end available."""

    def unplug(self) -> None:
        """Remove the end and all unread bytes."""

    def write(self, data: bytes) -> int:
        """Write what fits, without waiting; returns the number of bytes."""

    def read(self, wait_s: float) -> bytes:
        """The bytes that the other end sent within `wait_s` real seconds; often none."""

    def unread(self) -> int:
        """Bytes written but not read, as far as known."""


class PtyEnd:
    """A link to a pseudo-terminal whose other end is also kept open here, so bytes wait while there is no reader."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        ours, theirs = os.openpty()
        tty.setraw(theirs)  # no echo, no translation of line ends
        os.set_blocking(ours, False)
        self._ends = ours, theirs
        temporary = self._link.with_name(self._link.name + ".new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(theirs))
        temporary.replace(self._link)

    def unplug(self) -> None:
        self._link.unlink(missing_ok=True)
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    def write(self, data: bytes) -> int:
        if self._ends is None:
            return 0
        with contextlib.suppress(BlockingIOError):
            return os.write(self._ends[0], data)
        return 0

    def read(self, wait_s: float) -> bytes:
        ours = [self._ends[0]] if self._ends else []
        return os.read(ours[0], CHUNK) if select.select(ours, [], [], wait_s)[0] else b""

    def unread(self) -> int:
        if self._ends is None:
            return 0
        answer = fcntl.ioctl(self._ends[1], termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])


class TcpEnd:
    """A TCP port on the loopback address that serves one reader, the newest; bytes wait while there is none."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._listener: socket.socket | None = None
        self._reader: socket.socket | None = None

    def plug(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]

    def unplug(self) -> None:
        for end in (self._reader, self._listener):
            if end:
                end.close()
        self._reader = self._listener = None

    def write(self, data: bytes) -> int:
        self._accept()
        if self._reader is None:
            return 0
        try:
            return self._reader.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._hang_up()
            return 0

    def read(self, wait_s: float) -> bytes:
        waited = [end for end in (self._reader, self._listener) if end]
        ready = select.select(waited, [], [], wait_s)[0]
        self._accept()
        if self._reader is None or self._reader not in ready:
            return b""
        try:
            data = self._reader.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        return data

    def unread(self) -> int:
        """Bytes that the kernel has not sent yet; those in the reader's kernel are unknown."""
        if self._reader is None:
            return 0
        answer = fcntl.ioctl(self._reader, termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])

    def _accept(self) -> None:
        if self._listener:
            with contextlib.suppress(BlockingIOError):
                reader, _ = self._listener.accept()
                self._hang_up()
                reader.setblocking(False)
                reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._reader = reader

    def _hang_up(self) -> None:
        if self._reader:
            self._reader.close()
        self._reader = None
