"""The line over time: always reopened, with its problem as text.

An open port that receives bytes but no frames has a wrong baud rate or protocol, and is reported as such.
"""

import logging
import threading
from typing import Protocol

from common.errors import OtherEndClosed, PortError
from common.logging_setup import quoted
from common.meters import SILENT_POLLS
from common.retry import Backoff
from producer.opening import Opening
from producer.port import READ_S, REOPEN_AFTER_S, Port

REOPEN = Backoff(first_s=0.2, cap_s=3.0)  # recovery within five seconds of the line's return
NOISE_BYTES = 2_000  # this many bytes without a frame are not startup noise: 40 frames' worth
NOISE_READS = 50  # and this many reads, at least a second: a burst between good frames is only counted
SILENCE_S = 120.0  # without a byte, although meters report every minute: check the cable
_TEXT = bytes(range(32, 127)) + b"\r\n\t"
GARBLED = 0.2  # share of bytes that never occur in a meter's text; a wrong baud rate gives about half

_log = logging.getLogger(__name__)


class Restarted(Protocol):
    """An object that must know when the line is reopened."""

    def restart(self) -> None:
        """Drop incomplete input."""


class SerialLine:
    """Reads a port that may disappear and return. `problem` is empty while frames arrive."""

    def __init__(
        self, url: str, baudrate: int, stop: threading.Event, mode: str = "8N1", *, read_s: float = READ_S
    ) -> None:
        self.problem = ""
        self.state = "closed"
        self._port = Port(url, baudrate, stop, mode, read_s=read_s)
        self._opening: Opening | None = None
        self._read_s = read_s
        self._baudrate = baudrate
        self._stop = stop
        self._said: set[str] = set()
        self._failures = 0
        self._pause_reads = 0
        self._bytes = self._garbled = self._fruitless = 0
        self._silence_reads = 0
        self.wanted = True  # of polled meters: whether there is something to send or to receive
        self.unsent = False  # whether the last request could not be sent
        self._polled = self._fruitful = self._resting = False
        self._silence_s = SILENCE_S

    def polled_every(self, seconds: float) -> None:
        """Meters are polled as slowly: silence and closed connections between two polls are no problem."""
        self._polled = True
        self._silence_s = max(SILENCE_S, SILENT_POLLS * seconds)
        self._port.reopen_after_s = max(REOPEN_AFTER_S, SILENT_POLLS * seconds)

    @property
    def silent_s(self) -> float:
        """Real seconds without received bytes, whether the port is open or not."""
        return self._silence_reads * self._read_s

    def read(self, listener: Restarted) -> bytes:
        """The bytes received within `read_s`; also empty without a port. `listener` is told when the port is
        reopened."""
        try:
            chunk = self._port.read() if self._open(listener) else b""
        except PortError as error:
            self._broke(error)
            chunk = b""
        self._watch(chunk)
        return chunk

    def _broke(self, error: PortError) -> None:
        """A server of polled meters that closes after an answer, or between two polls, is as it should be."""
        if isinstance(error, OtherEndClosed) and self._polled and self._fruitful:
            self._resting = True
            self._say(logging.INFO, f"port_rests url={quoted(self._port.url)}")
        else:
            self._failed(str(error))

    @property
    def is_open(self) -> bool:
        return self._opening is None and self._port.is_open

    def _open(self, listener: Restarted) -> bool:
        """Whether the port is open, after at most `read_s`; a longer attempt continues in the background."""
        if self.is_open:
            return True
        if self._opening is None:
            if self._pause_reads > 0 or (self._resting and not self.wanted):
                self._pause_reads -= 1
                self._stop.wait(self._read_s)
                return False
            self._opening = Opening(self._port)
        try:
            if not self._opening.wait(self._read_s):
                self._set("closed", f"{self._port.url}: no answer yet; waiting for it")
                return False
        except PortError as error:
            # A slow attempt counts as the pause: a line that is back must not wait for both.
            self._failed(str(error), waited=self._opening.waits)
            self._opening = None
            return False
        self._opening = None
        listener.restart()
        self._opened()
        return True

    def write(self, request: bytes) -> None:
        """Send a request; if that fails, the line is reopened."""
        self.unsent = False
        try:
            self._port.write(request)
        except PortError as error:
            self.unsent = True
            self._broke(error)

    def understood(self) -> None:
        """A valid frame was received."""
        self._bytes = self._garbled = self._fruitless = 0
        self._failures = 0
        self._fruitful = True
        if self.state != "reading":
            _log.info("line_reading")
            self._said.clear()
            self._set("reading", "")

    def _opened(self) -> None:
        self._bytes = self._garbled = self._fruitless = 0
        self._fruitful = False
        if self._resting:
            return
        self._say(logging.INFO, f"port_open url={quoted(self._port.url)}")
        self._set("silent", "the port is open and brings nothing yet")

    def _failed(self, text: str, waited: int = 0) -> None:
        self._failures += 1
        self._resting = False
        self._pause_reads = max(int(REOPEN.wait_s(self._failures) / self._read_s), 1) - waited
        self._say(logging.WARNING, f"port_closed problem={quoted(text)}")
        self._set("closed", text)

    def _watch(self, chunk: bytes) -> None:
        if not chunk:
            self._silence_reads += 1
            if self.silent_s >= self._silence_s and self.state == "reading":
                self._set("silent", f"no bytes for {self._silence_s:.0f} s: is the meter on and the cable in?")
                self._say(logging.WARNING, f"line_silent seconds={self._silence_s:.0f}")
            return
        self._silence_reads = 0
        # About earlier chunks: this one may contain a frame.
        if self._bytes >= NOISE_BYTES and self._fruitless >= NOISE_READS and self.state != "noise":
            self._set("noise", self._noise())
            self._say(logging.WARNING, f"line_noise problem={quoted(self.problem)}")
        self._fruitless += 1
        self._bytes += len(chunk)
        self._garbled += len(chunk.translate(None, _TEXT))

    def _noise(self) -> str:
        if self._garbled > self._bytes * GARBLED:
            return f"only noise on the line: is the baud rate really {self._baudrate}?"
        return "text on the line, but no frames: does the meter speak this protocol, with this checksum?"

    def _say(self, level: int, text: str) -> None:
        """Log each kind of failure once: reopening a line for hours is not logged every time."""
        if text not in self._said:
            self._said.add(text)
            _log.log(level, "%s", text)

    def _set(self, state: str, problem: str) -> None:
        self.state, self.problem = state, problem

    def close(self) -> None:
        """Close the port."""
        if self._opening:
            self._opening.abandon()
            self._opening = None
        else:
            self._port.close()
