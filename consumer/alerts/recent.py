"""The values of the last day, by sensor, from the rows that pass by: for the small chart of a message."""

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from common.errors import RowRefused
from common.night import DAY_MINUTES
from common.row import parse_payload
from log.roles import Record

MOST_SENSORS = 500  # 12 kB each
FUTURE_MIN = 2  # a later row was made by a wrong clock
_NONE = array("f", [math.nan])


class _Rings(NamedTuple):
    flow: "array[float]"
    pressure: "array[float]"


class RecentValues:
    """Only in memory: after a restart the day fills again."""

    def __init__(self) -> None:
        self._rings: dict[str, _Rings] = {}
        self._newest: dict[str, int] = {}

    def add(self, records: Sequence[Record], minute: int) -> None:
        """Keep the values of rows that are not older than a day at UTC `minute`."""
        for record in records:
            try:
                row = parse_payload(record.payload)
            except RowRefused:
                continue  # the archive sets it aside
            if minute - DAY_MINUTES < row.minute <= minute + FUTURE_MIN:
                self._put(row.sensor, row.minute, row.flow, row.pressure)

    def _put(self, sensor: str, minute: int, flow: float | None, pressure: float | None) -> None:
        if sensor not in self._rings:
            if len(self._rings) >= MOST_SENSORS:
                return
            self._rings[sensor], self._newest[sensor] = _Rings(_NONE * DAY_MINUTES, _NONE * DAY_MINUTES), minute - 1
        for skipped in range(max(self._newest[sensor], minute - DAY_MINUTES) + 1, minute + 1):
            for ring in self._rings[sensor]:
                ring[skipped % DAY_MINUTES] = math.nan
        self._newest[sensor] = max(self._newest[sensor], minute)
        for ring, value in zip(self._rings[sensor], (flow, pressure), strict=True):
            if value is not None:
                ring[minute % DAY_MINUTES] = value

    def day(self, sensor: str, channel: str, minute: int) -> list[float | None]:
        """The values of the day before UTC `minute`, the oldest first; None where there is none."""
        if sensor not in self._rings:
            return []
        ring = self._rings[sensor].pressure if channel == "pressure" else self._rings[sensor].flow
        newest = self._newest[sensor]
        values = (ring[at % DAY_MINUTES] if newest - DAY_MINUTES < at <= newest else math.nan for at in _before(minute))
        return [None if math.isnan(value) else value for value in values]


def _before(minute: int) -> range:
    return range(minute - DAY_MINUTES + 1, minute + 1)
