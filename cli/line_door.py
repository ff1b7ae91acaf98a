"""The producer's own door for readings that are only tried: the same clocks, limits, no-value numbers and refusals."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.shell import say
from common.settings import Settings
from log import mark

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.ascii import Reading
    from producer.site_time import ClockSample

STEADY_S = 1.5  # of a clock's offset: a person waits
QUIET_S = 1.0  # without a byte, as for the producer
MOST_NAMED = 5
# Help for what was refused, by reason.
WHY = {
    "noise": "bytes that are no frame",
    "long": "longer than any frame; is the line end right?",
    "checksum": "it does not match the frame: noise, or a different kind of checksum",
    "fields": "the body's fields differ from the protocol",
    "sensor": "not a sensor id: letters, digits, '_', '.', ':', '-', at most 32",
    "time": "not a time in the protocol's format",
    "number": "not a number, or an impossible one",
    "future": "the meter's clock is ahead",
    "past": "the meter's clock is more than a day behind",
    "late": "its minute is closed already: the meter's clock is behind, or this box's was ahead",
    "clock": "the box's clock is not sure, and the meter sends no time: see hydrolog check",
    "sensors": "more sensors than a line can have",
    "zone": "a zone of the settings has this id, so the meter needs another one",
    "flow-no-value": "the flow is a fault code, so it is no value",
    "flow-limit": "the flow is beyond line.flow_limits, so it is no value",
    "flow-measure": "the unit in the line is not known, so the flow is no value",
    "pressure-measure": "the unit in the line is not known, so the pressure is no value",
    "total-measure": "the unit in the line is not known, so the total is no value",
    "timeout": "the meter did not answer",
    "late-answer": "an answer to another question, or too late for line.ask.timeout_seconds",
    "pressure-no-value": "the pressure is a fault code, so it is no value",
    "pressure-limit": "the pressure is beyond line.pressure_limits, so it is no value",
    "empty": "the meter sends neither a flow nor a pressure",
}


class TrialDoor:
    """Takes readings as the producer would, and keeps none of them."""

    def __init__(self, settings: Settings, show: Callable[["Reading"], None]) -> None:
        from producer.closed import minutes_after
        from producer.intake import ReadingSink
        from producer.minute import Minutes
        from producer.site_time import SiteTime

        line = settings.line
        known = mark.load(settings.paths.data)
        self.refused: Counter[str] = Counter()
        self.good = 0  # readings of which at least one value would be stored
        self._show = show
        look = self._look()
        self.time = SiteTime(look, known.closed_through if known else 0, given=known is None)
        self._minutes = minutes_after(line.lateness_seconds, known, known) if known else Minutes(line.lateness_seconds)
        self._sink = ReadingSink(
            self.time,
            self._minutes,
            self.refused,
            settings=line,
            zone=settings.site.zone,
            reserved=settings.zones.keys(),
        )
        self._looked_s = self._heard_s = look.monotonic_s
        self._fine: set[tuple[str, str]] = set()  # sensor and channel
        self._wrong: dict[tuple[str, str], str] = {}  # the last reason

    @staticmethod
    def _look() -> "ClockSample":
        from producer.site_time import ClockSample

        return ClockSample(datetime.now(UTC).timestamp(), time.monotonic())

    @property
    def now_s(self) -> float:
        return self.time.now_s

    @property
    def clock_offsets_s(self) -> dict[str, float]:
        return self._sink.clocks.offsets(self.time.now_s, STEADY_S)

    def pass_time(self, chunk: bytes) -> None:
        """What came from the line last; minutes close as time passes."""
        look = self._look()
        if chunk:
            self._heard_s = look.monotonic_s
        self.time.look(look)
        quiet = look.monotonic_s - self._heard_s >= QUIET_S
        self._minutes.close(self.time.now_s, look.monotonic_s - self._looked_s, quiet=quiet)
        self._looked_s = look.monotonic_s

    def take(self, reading: "Reading", before: Counter[str]) -> None:
        """Show a reading, and what would not be stored of it. `before`: what had been refused before its frame."""
        from producer.site_time import WAITS

        self._show(reading)
        waits = self.time.time_of(reading.time_s)[1] == WAITS
        if waits:
            self.refused[WAITS] += 1
        taken = not waits and self._sink.take(reading)
        new = self.refused - before
        good = False
        for channel, value in (("flow", reading.flow), ("pressure", reading.pressure)):
            prefixes = ("flow-", "total-") if channel == "flow" else ("pressure-",)
            reasons = [reason for reason in new if not taken or reason.startswith(prefixes)]
            if reasons:
                self._wrong[reading.sensor, channel] = reasons[0]
            elif value is not None:
                good = True
                self._fine.add((reading.sensor, channel))
        if reading.flow is None and reading.pressure is None and not new:
            self._wrong[reading.sensor, "flow"] = self._wrong[reading.sensor, "pressure"] = "empty"
        self.good += good
        tell(new)

    def refuse(self, reason: str) -> None:
        """A frame that is no reading."""
        self.refused[reason] += 1
        tell([reason])

    def problem(self) -> str:
        """What of the readings would not be stored, and why; empty if none came, or all is well."""
        if clocks := self._sink.clocks.problem(self.time.now_s, STEADY_S):
            return clocks
        bad = {place: reason for place, reason in self._wrong.items() if place not in self._fine}
        told = []
        for (sensor, channel), reason in bad.items():
            other = sensor, "pressure" if channel == "flow" else "flow"
            what = channel if other in self._fine else "reading"
            told.append(f"no {what} of sensor {sensor} would be stored: {self._why(reason)}")
        told = list(dict.fromkeys(told))
        more = f"; and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
        return "; ".join(told[:MOST_NAMED]) + more

    def _why(self, reason: str) -> str:
        return (self.time.problem() if reason == "clock" else "") or WHY.get(reason, reason)


def tell(reasons: Iterable[str]) -> None:
    """A line for each reason."""
    for reason in reasons:
        say(f"  refused  {reason}: {WHY.get(reason, '')}".rstrip(": "))
