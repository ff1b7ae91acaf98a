"""Minutes of zones: the signed sum of the rows of a zone's meters, once all of them have closed the minute.

A minute of which a meter has no row, no flow, or one that SYSTEM rejects, is no minute of the zone: nothing is guessed,
and it is not made later. The rows of the meters are the only source, so the sum is what anybody can check in the log.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from common.row import Row
from common.zones import Zone, Zones
from outliers.flags import trusted
from producer.minute_mean import DECIMALS, MinuteMean

WAIT_MIN = 15  # minutes that a zone waits for the slowest of its meters: then silence is told

Judge = Callable[[Sequence[MinuteMean]], list[Row]]
Part = tuple[float, int] | None  # flow, m3/h, and readings of a meter's minute; None: no flow that is believed


class ZoneMinutes:
    """What the meters of zones have closed. It remembers only minutes that a zone still waits for."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self._parts: dict[str, dict[int, Part]] = {sensor: {} for zone in zones.values() for sensor in zone.signs}
        self._closed = dict.fromkeys(self._parts, 0)  # the newest minute of each meter
        self._last = dict.fromkeys(zones, 0)  # of each zone the last minute that is decided

    @property
    def waits(self) -> bool:
        """Whether a zone waits for a meter, with minutes of others in memory."""
        return any(self._parts.values())

    def note(self, row: Row) -> None:
        """A row of a closed minute."""
        minutes = self._parts.get(row.sensor)
        if minutes is None:
            return
        known = row.flow is not None and trusted(row.flow_flags)
        minutes[row.minute] = (row.flow, row.samples) if row.flow is not None and known else None
        self._closed[row.sensor] = max(row.minute, self._closed[row.sensor])
        if len(minutes) > WAIT_MIN:  # at the start a log may hold months
            for minute in [minute for minute in minutes if minute <= row.minute - WAIT_MIN]:
                del minutes[minute]

    def start(self, closed: Mapping[str, int]) -> None:
        """The last closed minute of each meter and zone is known, after the rows of the log have been noted."""
        self._closed = {sensor: closed.get(sensor, 0) for sensor in self._parts}
        self._last = {name: closed.get(name, 0) for name in self._zones}

    def means(self, rows: Iterable[Row] = ()) -> list[MinuteMean]:
        """The zones' minutes that are closed with these rows of closed minutes; both oldest first."""
        if not self._zones:
            return []
        found = self._due()  # what a kill left undone
        for _, minute in groupby(rows, key=lambda row: row.minute):  # after a standstill these are many
            for row in minute:
                self.note(row)
            found += self._due()
        return sorted(found, key=lambda mean: mean.minute)

    def _due(self) -> list[MinuteMean]:
        found = [mean for zone in self._zones.values() for mean in self._of(zone)]
        self._forget()
        return found

    def _of(self, zone: Zone) -> list[MinuteMean]:
        parts = [self._parts[sensor] for sensor in zone.signs]
        through = min(self._closed[sensor] for sensor in zone.signs)
        last = self._last[zone.name]
        found = [
            mean
            for minute in sorted(parts[0])
            if last < minute <= through and (mean := total(zone, minute, [part.get(minute) for part in parts]))
        ]
        self._last[zone.name] = max(last, through)
        return found

    def _forget(self) -> None:
        """Minutes that no zone waits for, or that one has waited for long enough."""
        oldest = max(self._closed.values(), default=0) - WAIT_MIN
        waiting: dict[str, int] = {}  # sensor -> the last minute that all of its zones have closed
        for zone in self._zones.values():
            for sensor in zone.signs:
                waiting[sensor] = min(self._last[zone.name], waiting.get(sensor, self._last[zone.name]))
        for sensor, minutes in self._parts.items():
            if minutes:
                after = max(oldest, waiting[sensor])
                self._parts[sensor] = {minute: part for minute, part in minutes.items() if minute > after}

    def forget_future(self, last: int) -> None:
        """A wrong clock made what is later than this minute."""
        self._closed = {sensor: min(minute, last) for sensor, minute in self._closed.items()}
        self._last = {name: min(minute, last) for name, minute in self._last.items()}
        for sensor, minutes in self._parts.items():
            self._parts[sensor] = {minute: part for minute, part in minutes.items() if minute <= last}

    def to_state(self) -> dict[str, Any]:
        """What is decided and what zones wait for, as plain values for the next start."""
        return {
            "last": {**self._last},
            "parts": {
                sensor: {str(minute): part for minute, part in minutes.items()}
                for sensor, minutes in self._parts.items()
                if minutes
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore `to_state`; meters and zones that are not in the settings any more are left out.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: the state is damaged; nothing was restored.
        """
        last = {name: int(minute) for name, minute in state["last"].items()}
        parts = {
            sensor: {int(minute): _part(part) for minute, part in minutes.items()}
            for sensor, minutes in state["parts"].items()
        }
        for name in self._last.keys() & last.keys():
            self._last[name] = max(self._last[name], last[name])
        for sensor in self._parts.keys() & parts.keys():
            self._parts[sensor] = parts[sensor] | self._parts[sensor]
            self._closed[sensor] = max([self._closed[sensor], *self._parts[sensor]])


def rows_of(means: Sequence[MinuteMean], zones: ZoneMinutes, judge: Judge) -> list[Row]:
    """The rows of closed minutes, and of the zones' minutes that are closed with them, oldest first."""
    rows = judge(means)
    sums = zones.means(rows)
    return sorted([*rows, *judge(sums)], key=lambda row: row.minute) if sums else rows


def total(zone: Zone, minute: int, parts: Sequence[Part]) -> MinuteMean | None:
    """A zone's minute from those of its meters, in the order of the formula; None if the flow of one is not known.

    Its flow may be negative: meters err. Its readings are those of the meter with the fewest.
    """
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    flow = math.fsum(sign * flow for sign, (flow, _) in zip(zone.signs.values(), known, strict=True))
    return MinuteMean(minute, zone.name, round(flow, DECIMALS), None, min(samples for _, samples in known))


def _part(value: Any) -> Part:
    if value is None:
        return None
    flow, samples = value
    return float(flow), int(samples)
