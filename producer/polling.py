"""For meters that are asked: the bus's requests out, its answers into open minutes at the time they arrive."""

import logging

from common.logging_setup import quoted
from common.meters import Modbus
from producer.bus import Bus, Exchange
from producer.intake import ReadingSink
from producer.line import SerialLine

_log = logging.getLogger(__name__)


class Polling:
    """A Modbus line, as the producer's step sees any line."""

    def __init__(self, settings: Modbus, door: ReadingSink, line: SerialLine) -> None:
        self._bus = Bus(settings, self._told)
        self._door = door
        self._line = line
        self._said = ""

    rest = b""  # an answer that a stop cut is asked for again

    def keep(self, rest: bytes) -> None:
        """Nothing: there is never a rest."""

    @property
    def problem(self) -> str:
        """Which meters do not answer as they should; empty if all do."""
        return self._bus.problem

    def restart(self) -> None:
        """The line was opened anew."""
        self._bus.restart()

    def ask(self, monotonic_s: float) -> bytes:
        """What to send now."""
        request = self._bus.ask(monotonic_s)
        self._say()
        return request

    def take(self, chunk: bytes, monotonic_s: float) -> int:
        """Take a chunk of bytes as they came; the number of readings that found their minute."""
        if chunk and self._bus.take(chunk, monotonic_s):
            self._line.understood()
        readings, self._bus.readings = self._bus.readings, []
        return sum(self._door.take(reading) for reading in readings)

    def _told(self, told: Exchange) -> None:
        if told.reason:
            self._door.refused[told.reason] += 1

    def _say(self) -> None:
        if (problem := self._bus.problem) != self._said:
            self._said = problem
            if problem:
                _log.warning("meters_wrong problem=%s", quoted(problem))
            else:
                _log.info("meters_right")
