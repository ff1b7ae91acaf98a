"""For polled meters: sends the bus's requests and puts its answers into open minutes at their time of arrival."""

import logging
from collections import Counter

from common.logging_setup import quoted
from common.meters import Modbus
from producer.bus import Bus, Exchange
from producer.intake import ReadingSink
from producer.line import SerialLine
from producer.rounds import place

_log = logging.getLogger(__name__)


class Polling:
    """A Modbus line with the interface that the producer's step uses for any line."""

    def __init__(self, settings: Modbus, door: ReadingSink, line: SerialLine) -> None:
        self._bus = Bus(settings, self._told)
        self._door = door
        self._line = line
        line.polled_every(settings.poll_seconds)
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
        if chunk and self._bus.take(chunk, monotonic_s):
            self._line.understood()
        self._line.wanted = self._bus.due(monotonic_s)
        readings, self._bus.readings = self._bus.readings, []
        return sum(self._door.take(reading) for reading in readings)

    def _told(self, told: Exchange) -> None:
        if told.reason:
            self._door.refused[told.reason] += 1
            if told.reason != "late":  # that is another register's answer
                self.failures[place(told.register)] += 1

    def _say(self) -> None:
        if (problem := self._bus.problem) != self._said:
            self._said = problem
            if problem:
                _log.warning("meters_wrong problem=%s", quoted(problem))
            else:
                _log.info("meters_right")
