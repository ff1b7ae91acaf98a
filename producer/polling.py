"""For polled meters: sends the bus's requests and puts its answers into open minutes at their time of arrival."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from common.logging_setup import quoted
from producer.ascii import Reading
from producer.intake import ReadingSink
from producer.line import SerialLine

_log = logging.getLogger(__name__)


class PollOutcome(Protocol):
    """What one question brought for one value."""

    @property
    def place(self) -> str:
        """Of the value, for people."""

    @property
    def reason(self) -> str:
        """Why there is none; empty if there is one."""


class PolledBus(Protocol):
    """A state machine that asks: of Modbus, or of meters that are asked in text."""

    readings: list[Reading]

    @property
    def problem(self) -> str:
        """The meters that do not answer properly."""

    def due(self, now_s: float) -> bool:
        """Whether the line is needed."""

    def restart(self, *, sent: bool = True) -> None:
        """The line was reopened."""

    def ask(self, now_s: float) -> bytes:
        """The next request, if one is due."""

    def take(self, chunk: bytes, now_s: float) -> bool:
        """Process bytes; True if something was understood."""


class Polling:
    """A polled line with the interface that the producer's step uses for any line."""

    def __init__(
        self,
        bus: Callable[[Callable[[PollOutcome], None]], PolledBus],
        poll_seconds: float,
        door: ReadingSink,
        line: SerialLine,
    ) -> None:
        """`bus`: makes the bus, which tells each outcome."""
        self._bus = bus(self._told)
        self._door = door
        self._line = line
        line.polled_every(poll_seconds)
        self._said = ""
        self.failures: Counter[str] = Counter()

    rest = b""  # an answer cut by a stop is requested again

    def keep(self, rest: bytes) -> None:
        """Nothing: there is no rest."""

    @property
    def problem(self) -> str:
        """The meters that do not answer properly; empty if all do."""
        return self._bus.problem

    def restart(self) -> None:
        """The line was reopened."""
        self._bus.restart(sent=not self._line.unsent)

    def ask(self, monotonic_s: float) -> bytes:
        """The request to send now."""
        request = self._bus.ask(monotonic_s)
        self._say()
        return request

    def take(self, chunk: bytes, monotonic_s: float) -> int:
        """Process a chunk of bytes; returns the number of accepted readings."""
        if self._bus.take(chunk, monotonic_s):
            self._line.understood()
        self._line.wanted = self._bus.due(monotonic_s)
        readings, self._bus.readings = self._bus.readings, []
        return sum(self._door.take(reading) for reading in readings)

    def _told(self, told: PollOutcome) -> None:
        if told.reason:
            self._door.refused[told.reason] += 1
            if told.reason not in ("late", "late-answer"):  # that is another question's answer
                self.failures[told.place] += 1

    def _say(self) -> None:
        if (problem := self._bus.problem) != self._said:
            self._said = problem
            if problem:
                _log.warning("meters_wrong problem=%s", quoted(problem))
            else:
                _log.info("meters_right")
