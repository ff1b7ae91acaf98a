"""The port: opened exclusively, read with a timeout. All its errors are PortError.

An unplugged cable shows as SerialException, OSError, termios.error, or silence.
"""

import contextlib
import errno
import os
import re
import select
import socket
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import serial
from serial.urlhandler import protocol_socket

from common.errors import OtherEndClosed, PortError, SettingsError
from producer.port_advice import advice

READ_S = 0.5  # how long a read waits for the first byte: wake-ups cost, and an idle box should do nothing
POLLED_READ_S = 0.1  # the same for polled meters: the resolution of timeouts
GATHER_S = 0.02  # pause after the first byte: a slow line brings one per millisecond, and each would be a step
BUSY_BYTES = 2_048  # no pause after a read of this many: the line is faster than any meter
CHUNK = 65_536  # most bytes per read: bounds a step's work when the line floods
WRITE_S = 1.0  # a port that cannot send eight bytes within this is broken
GAP_BITS, GAP_S = 38.5, 0.00175  # silence before a request: 3.5 characters of 11 bits, but at least GAP_S
REOPEN_AFTER_S = 180.0  # of silence: the adapter may hang, and reopening is harmless
LOOK_EVERY_S = 1.0  # of silence: check whether the path now leads to another device
_SCHEMES = ("socket", "rfc2217", "hwgrep", "loop", "spy", "alt")
_UNANSWERED = "option 'control'"  # a request of RFC 2217 that ser2net obeys and never answers
_IGNORED = "ign_set_control"  # pyserial's word for not waiting for that answer


class _KeepingSerial(serial.Serial):
    """pyserial's port without the flush on opening: bytes received while it was closed are kept."""

    def _reset_input_buffer(self) -> None:
        """Keep the bytes that wait."""


class _KeepingSocket(protocol_socket.Serial):
    """pyserial's TCP line without the flush on connecting; bytes received before the other end closed are kept."""

    read_s = READ_S

    def reset_input_buffer(self) -> None:
        """Keep the bytes that wait."""

    def read(self, size: int = 1) -> bytes:
        """The bytes of one receive within `read_s`."""
        connection: socket.socket = self._socket  # type: ignore[attr-defined]  # missing in the stubs
        if not select.select([connection], [], [], self.read_s)[0]:
            return b""
        try:
            chunk = connection.recv(size)
        except ConnectionError as error:
            raise OtherEndClosed from error
        if not chunk:
            raise OtherEndClosed
        return chunk

    def write(self, b: Any, /) -> int | None:
        """Send; a connection that the other end has closed already takes the bytes and loses them, so look first."""
        connection: socket.socket = self._socket  # type: ignore[attr-defined]  # missing in the stubs
        try:
            if select.select([connection], [], [], 0)[0] and not connection.recv(1, socket.MSG_PEEK):
                raise OtherEndClosed
        except ConnectionError as error:
            raise OtherEndClosed from error
        return super().write(b)


def check_url(url: str) -> None:
    """Refuse a URL that cannot be a port.

    Raises:
        SettingsError: names line.url.
    """
    if not url:
        raise SettingsError("line.url", 'is empty; name a port such as "/dev/ttyUSB0"')
    scheme, separator, rest = url.partition("://")
    if separator and scheme not in _SCHEMES:
        raise SettingsError("line.url", f"unknown kind {scheme!r}; known are a device's path and {', '.join(_SCHEMES)}")
    if scheme in ("socket", "rfc2217") and not _has_port(url):
        raise SettingsError("line.url", f'needs a host and a port, like "{scheme}://10.0.0.7:4001", is {url!r}')
    if scheme == "hwgrep":
        try:
            re.compile(rest)
        except re.error as error:
            raise SettingsError("line.url", f"hwgrep:// needs a pattern, {rest!r} is not valid: {error}") from error


def _has_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.port)
    except ValueError:
        return False


class Port:
    """One serial line. Closed until the first `open` and after an error."""

    def __init__(
        self, url: str, baudrate: int, stop: threading.Event, mode: str = "8N1", *, read_s: float = READ_S
    ) -> None:
        self.url = self._asked_url = url
        self._read_s = read_s
        self._stop = stop
        self._options: dict[str, Any] = {
            "baudrate": baudrate,
            "bytesize": int(mode[0]),
            "parity": mode[1],
            "stopbits": int(mode[2]),
            "write_timeout": WRITE_S,
        }
        self._gap_s = max(GAP_BITS / baudrate, GAP_S)
        self._serial: serial.Serial | _KeepingSocket | None = None
        self.reopen_after_s = REOPEN_AFTER_S
        self._empty_reads = 0
        self._last_read = 0

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    def open(self) -> None:
        """Open the port.

        Raises:
            PortError: names the cause and what to do.
        """
        try:
            if self.url.startswith("socket://"):
                self._serial = _KeepingSocket(self.url, **self._options)
                self._serial.read_s = self._read_s
            elif "://" in self.url and not self.url.startswith("hwgrep://"):
                self._serial = self._by_url()
            else:
                self._serial = _KeepingSerial(self._device(), timeout=self._read_s, exclusive=True, **self._options)
        except (serial.SerialException, OSError, termios.error, ValueError) as error:
            raise PortError(f"{self.url}: {advice(self.url, error)}") from error
        self._empty_reads = 0

    def _by_url(self) -> serial.Serial:
        if self.url.startswith("rfc2217://"):
            self._options["write_timeout"] = None  # pyserial accepts nothing else for this kind
        try:
            return serial.serial_for_url(self._asked_url, timeout=self._read_s, exclusive=True, **self._options)
        except serial.SerialException as error:
            if _UNANSWERED not in str(error) or _IGNORED in self._asked_url:
                raise
            self._asked_url += f"{'&' if '?' in self.url else '?'}{_IGNORED}"
            return self._by_url()

    def _device(self) -> str:
        if not self.url.startswith("hwgrep://"):
            return self.url
        from serial.tools import list_ports  # noqa: PLC0415 - only for this kind of URL

        found = next(iter(list_ports.grep(self.url.removeprefix("hwgrep://"))), None)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no port matches")
        return str(found.device)

    def read(self) -> bytes:
        """The bytes received within `read_s`; may be empty.

        Raises:
            PortError: the port is gone, silent for too long, or now leads to another device; it is closed.
        """
        with self._line() as line:
            chunk = self._gather(line)
        if chunk:
            self._empty_reads = 0
            return chunk
        self._empty_reads += 1
        if self._empty_reads % round(LOOK_EVERY_S / self._read_s) == 0 and self._leads_elsewhere():
            self.close()
            raise PortError(f"{self.url} leads to another device now")
        if self._empty_reads * self._read_s >= self.reopen_after_s:
            self.close()
            raise PortError(f"{self.url}: no bytes for {self.reopen_after_s:.0f} s; reopening it")
        return chunk

    def write(self, request: bytes) -> None:
        """Send a request, after the silence that separates Modbus messages.

        Raises:
            PortError: the port is gone or cannot send; it is closed.
        """
        with self._line() as line:
            self._stop.wait(self._gap_s)
            line.write(request)

    @contextlib.contextmanager
    def _line(self) -> Iterator[serial.Serial | _KeepingSocket]:
        """What is open; an error of it closes it."""
        if self._serial is None:
            raise PortError(f"{self.url} is not open")
        try:
            yield self._serial
        except OtherEndClosed as error:
            self.close()
            raise OtherEndClosed(f"{self.url}: the other end closed the connection; waiting for it") from error
        except (serial.SerialException, OSError, termios.error, TypeError, ValueError) as error:
            self.close()
            raise PortError(f"{self.url}: the line is gone; waiting for it") from error

    def _gather(self, port: serial.Serial | _KeepingSocket) -> bytes:
        """Waiting bytes, or the next ones. They wait in the port and not here, where a kill would lose them."""
        if "://" in self.url and not self.url.startswith("hwgrep://"):
            # For a network address the number of waiting bytes is unknown: such a read lasts its timeout, or one
            # receive.
            if 0 < self._last_read < BUSY_BYTES:
                self._stop.wait(GATHER_S)
            most = CHUNK
        else:
            if not port.in_waiting and not select.select([port.fileno()], [], [], self._read_s)[0]:
                return b""
            if self._last_read < BUSY_BYTES:
                self._stop.wait(GATHER_S)
            most = min(max(port.in_waiting, 1), CHUNK)
        chunk = bytes(port.read(most))
        self._last_read = len(chunk)
        return chunk

    def _leads_elsewhere(self) -> bool:
        """Whether the path is now a different device: an adapter was plugged in again, a link was moved."""
        if "://" in self.url or self._serial is None:
            return False
        try:
            return not os.path.samestat(Path(self.url).stat(), os.fstat(self._serial.fileno()))
        except OSError:
            return True

    def close(self) -> None:
        """Close it, however broken it is."""
        port, self._serial = self._serial, None
        if port is not None:
            with contextlib.suppress(serial.SerialException, OSError, termios.error):
                port.close()
