"""The port: opened exclusively, read with a time-out, opened anew for ever. One family of errors comes out.

A pulled cable shows as SerialException, OSError, termios.error, or as silence.
"""

import contextlib
import errno
import grp
import os
import re
import select
import socket
import stat
import termios
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import serial
from serial.urlhandler import protocol_socket

from common.errors import PortError, SettingsError

READ_S = 0.5  # how long a read waits for the first byte: each wake-up costs, and an idle box should do nothing
POLLED_READ_S = 0.1  # the same where we ask: time-outs are as exact as that
GATHER_S = 0.02  # pause after the first byte: a slow line brings one a millisecond, each would be a step
BUSY_BYTES = 2_048  # after a read that brought so many there is no pause: the line is faster than any meter
CHUNK = 65_536  # bytes of one read at most: bounds a step's work when the line floods
WRITE_S = 1.0  # a port that does not take eight bytes within that is broken
GAP_BITS, GAP_S = 38.5, 0.00175  # silence before a request: 3.5 characters of 11 bits, and never less than that
REOPEN_AFTER_S = 180.0  # of silence: so looks an adapter that hangs, and opening anew is harmless
LOOK_EVERY_S = 1.0  # of silence: see whether the name now leads to another device
_GROUP_MAY = stat.S_IRGRP | stat.S_IWGRP
_SCHEMES = ("socket", "rfc2217", "hwgrep", "loop", "spy", "alt")


class _KeepingSerial(serial.Serial):
    """pyserial's port, without its flush on opening: what came while we were away is wanted."""

    def _reset_input_buffer(self) -> None:
        """Keep the bytes that wait."""


class _KeepingSocket(protocol_socket.Serial):
    """pyserial's TCP line: without the flush on connecting, and with what came before the other end hung up."""

    read_s = READ_S

    def reset_input_buffer(self) -> None:
        """Keep the bytes that wait."""

    def read(self, size: int = 1) -> bytes:
        """What one receive brings within `read_s`."""
        connection: socket.socket = self._socket  # type: ignore[attr-defined]  # the stubs leave it out
        if not select.select([connection], [], [], self.read_s)[0]:
            return b""
        if not (chunk := connection.recv(size)):
            raise serial.SerialException("the other end closed the connection")
        return chunk


def check_url(url: str) -> None:
    """Refuse what no port can be.

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
            raise SettingsError("line.url", f"hwgrep:// needs an expression, {rest!r} is none: {error}") from error


def _has_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.port)
    except ValueError:
        return False


class Port:
    """One serial line. Not open until the first `open`; after an error it is closed."""

    def __init__(
        self, url: str, baudrate: int, stop: threading.Event, mode: str = "8N1", *, read_s: float = READ_S
    ) -> None:
        self.url = url
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
        self._empty_reads = 0
        self._last_read = 0

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    def open(self) -> None:
        """Open the port.

        Raises:
            PortError: says what is missing and what to do.
        """
        try:
            if self.url.startswith("socket://"):
                self._serial = _KeepingSocket(self.url, **self._options)
                self._serial.read_s = self._read_s
            elif "://" in self.url and not self.url.startswith("hwgrep://"):
                if self.url.startswith("rfc2217://"):
                    self._options["write_timeout"] = None  # pyserial knows no other there, and refuses
                self._serial = serial.serial_for_url(self.url, timeout=self._read_s, exclusive=True, **self._options)
            else:
                self._serial = _KeepingSerial(self._device(), timeout=self._read_s, exclusive=True, **self._options)
        except (serial.SerialException, OSError, termios.error, ValueError) as error:
            raise PortError(f"{self.url}: {_advice(self.url, error)}") from error
        self._empty_reads = 0

    def _device(self) -> str:
        if not self.url.startswith("hwgrep://"):
            return self.url
        from serial.tools import list_ports  # noqa: PLC0415 - only for this kind of address

        found = next(iter(list_ports.grep(self.url.removeprefix("hwgrep://"))), None)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no port matches")
        return str(found.device)

    def read(self) -> bytes:
        """What came within `read_s`; empty if nothing did.

        Raises:
            PortError: the port is gone, silent for long, or leads elsewhere now; it is closed.
        """
        if self._serial is None:
            raise PortError(f"{self.url} is not open")
        try:
            chunk = self._gather(self._serial)
        except (serial.SerialException, OSError, termios.error, TypeError, ValueError) as error:
            self.close()
            raise PortError(f"{self.url}: the line is gone; waiting for it") from error
        if chunk:
            self._empty_reads = 0
            return chunk
        self._empty_reads += 1
        if self._empty_reads % round(LOOK_EVERY_S / self._read_s) == 0 and self._leads_elsewhere():
            self.close()
            raise PortError(f"{self.url} leads to another device now")
        if self._empty_reads * self._read_s >= REOPEN_AFTER_S:
            self.close()
            raise PortError(f"{self.url}: no bytes for {REOPEN_AFTER_S:.0f} s; opening it anew")
        return chunk

    def write(self, request: bytes) -> None:
        """Send a request, after the silence by which Modbus tells one message from the next.

        Raises:
            PortError: the port is gone, or does not take it; it is closed.
        """
        if self._serial is None:
            raise PortError(f"{self.url} is not open")
        self._stop.wait(self._gap_s)
        try:
            self._serial.write(request)
        except (serial.SerialException, OSError, termios.error, TypeError, ValueError) as error:
            self.close()
            raise PortError(f"{self.url}: the line is gone; waiting for it") from error

    def _gather(self, port: serial.Serial | _KeepingSocket) -> bytes:
        """What waits, or else the first bytes to come. They wait in the port, not here: a kill would lose them."""
        if "://" in self.url and not self.url.startswith("hwgrep://"):
            # Behind an address nobody says how much is waiting: such a read lasts its time-out, or one receive.
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
        """Whether the path is another device than the open one: an adapter that came back, a link that was moved."""
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


# What a person can do, by what the system says.
_ADVICE = {
    errno.ENOENT: "there is no such device; waiting for it",
    errno.ENODEV: "there is no such device; waiting for it",
    errno.ENXIO: "there is no such device; waiting for it",
    errno.EBUSY: "another program has it open; waiting for it",
    errno.ENOTTY: "it is no serial port",
    errno.ECONNREFUSED: "connection refused: the device is there, but takes none on this port; is the number right?",
    errno.ETIMEDOUT: "no answer; is the gateway on, and the address right?",
    errno.EHOSTUNREACH: "no way to that address; is the gateway on, and the network cable in?",
    errno.ENETUNREACH: "no way to that address; is the network cable in?",
}


def _advice(url: str, error: Exception) -> str:
    """What is wrong, and what a person can do about it."""
    cause = error.__context__ or error  # of some errors pyserial keeps only the text
    number = getattr(error, "errno", None) or getattr(cause, "errno", None)
    if isinstance(cause, termios.error):
        number = cause.args[0]
    if number == errno.EACCES:
        return f"permission denied; {_group_advice(url)}"
    if number == errno.EPERM:
        return f"the service may not open this kind of device: sudo systemctl edit hydrolog, DeviceAllow={url} rw"
    if isinstance(cause, socket.gaierror):
        return "the network knows no such host; write its number, like 10.0.0.7"
    if isinstance(cause, TimeoutError):
        return _ADVICE[errno.ETIMEDOUT]
    if "exclusively lock" in str(error):
        return _ADVICE[errno.EBUSY]
    return _ADVICE.get(number or 0) or str(error).removeprefix(f"Could not open port {url}: ")


def _group_advice(url: str) -> str:
    try:
        state = Path(url).stat()
        group = grp.getgrgid(state.st_gid).gr_name
    except (OSError, KeyError):
        return "this user may not open it"
    if state.st_gid == 0 or state.st_mode & _GROUP_MAY != _GROUP_MAY:
        return f"no group may open it either; see: ls -l {url}, and deploy/99-serial.rules"
    return f"join the group that may: sudo usermod -aG {group} $USER, then log in again"
