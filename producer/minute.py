"""Readings to minutes: which minute a reading belongs to, when a minute closes, and its value.

Minute T closes for all sensors at the first of

* a reading from any sensor whose own time is `lateness_s` past the end of T. A reading that is ahead of the clock
  counts as now, so one meter with a fast clock does not close the others' minutes early;
* silence: the clock is `lateness_s` past the end of T and no reading has come for that long.

A reading of a closed minute is late and is dropped: there is only ever one row per (sensor, minute). The value of a
minute is the mean of its readings, for each channel over those with a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.row import MOST_SENSORS

Pair = tuple[float | None, float | None]  # flow, m3/h, and pressure, bar
DECIMALS = 3  # as in the row: the methods see exactly what is stored


@dataclass(frozen=True, slots=True)
class MinuteMean:
    """One sensor's closed minute."""

    minute: int  # UTC minute since 1970
    sensor: str
    flow: float | None  # m3/h
    pressure: float | None  # bar
    samples: int  # readings, with or without a value


class Sums:
    """The readings of one sensor in one minute so far."""

    __slots__ = ("before", "flow", "flow_count", "pressure", "pressure_count", "samples")

    def __init__(self, before: Pair = (None, None)) -> None:
        self.before = before  # flow and pressure of the sensor's minute before
        self.flow = self.pressure = 0.0
        self.flow_count = self.pressure_count = self.samples = 0

    def take(self, flow: float | None, pressure: float | None) -> None:
        """Add a reading."""
        self.samples += 1
        if flow is not None:
            self.flow += flow
            self.flow_count += 1
        if pressure is not None:
            self.pressure += pressure
            self.pressure_count += 1

    @property
    def flow_so_far(self) -> float | None:
        """The mean of the flows, or that of the minute before, m3/h."""
        return self.flow / self.flow_count if self.flow_count else self.before[0]

    @property
    def pressure_so_far(self) -> float | None:
        """The mean of the pressures, or that of the minute before, bar."""
        return self.pressure / self.pressure_count if self.pressure_count else self.before[1]

    def mean(self, minute: int, sensor: str) -> MinuteMean:
        return MinuteMean(
            minute,
            sensor,
            round(self.flow / self.flow_count, DECIMALS) if self.flow_count else None,
            round(self.pressure / self.pressure_count, DECIMALS) if self.pressure_count else None,
            self.samples,
        )


class Minutes:
    """The open minutes, and the minute through which all are closed. Memory does not grow with the readings."""

    def __init__(self, lateness_s: float, closed_through: int = 0) -> None:
        self.lateness_s = lateness_s
        self.closed_through = closed_through
        self._newest_s = 0.0
        self._open: dict[int, dict[str, Sums]] = {}
        self._before: dict[str, Pair] = {}

    def add(self, sensor: str, time_s: float, flow: float | None, pressure: float | None) -> str:
        """Add a reading with a trusted time; returns the reason if it is refused (late, sensors), else an empty
        text."""
        sums = self.sums_at(time_s, sensor)
        if isinstance(sums, str):
            return sums
        sums.take(flow, pressure)
        return ""

    def sums_at(self, time_s: float, sensor: str) -> "Sums | str":
        """The sensor's sums at a trusted time, or the reason why there are none (late, sensors)."""
        sensors = self.at(time_s)
        if sensors is None:
            return "late"
        return self.sums(sensors, sensor) or "sensors"

    def at(self, time_s: float) -> dict[str, Sums] | None:
        """The open minute of a trusted time, by sensor; None if that minute is closed."""
        minute = int(time_s // 60)
        if minute <= self.closed_through:
            return None
        self._newest_s = max(self._newest_s, time_s)
        return self._open.setdefault(minute, {})

    def sums(self, sensors: dict[str, Sums], sensor: str) -> Sums | None:
        """A sensor's sums in an open minute; None if there are too many sensors."""
        found = sensors.get(sensor)
        if found is None and len(sensors) < MOST_SENSORS:
            found = sensors[sensor] = Sums(self._before.get(sensor, (None, None)))
        return found

    def close(self, now_s: float, silent: bool) -> list[MinuteMean]:
        """Close the minutes that are over at `now_s`, oldest first; `silent`: no reading has come for `lateness_s`."""
        over_s = min(self._newest_s, now_s)
        through = int((over_s - self.lateness_s) // 60) - 1
        if silent:
            past = int((now_s - self.lateness_s) // 60) - 1
            through = max([through, *(minute for minute in self._open if minute <= past)])
        if through <= self.closed_through:
            return []
        self.closed_through = through
        over = sorted(minute for minute in self._open if minute <= through)
        means = [
            sums.mean(minute, sensor) for minute in over for sensor, sums in sorted(self._open.pop(minute).items())
        ]
        self._before = {mean.sensor: (mean.flow, mean.pressure) for mean in means} or self._before
        return means

    def forget_future(self, now_s: float) -> None:
        """A person confirmed that minutes after now were closed by a wrong clock: reopen them."""
        self.closed_through = min(self.closed_through, int(now_s // 60) - 1)
        self._newest_s = min(self._newest_s, now_s)

    def to_state(self) -> dict[str, Any]:
        """The open minutes as plain values for the next start, and the closed minutes in case the mark is lost."""
        return {
            "closed_through": self.closed_through,
            "newest_s": self._newest_s,
            "open": {
                str(minute): {
                    sensor: [sums.flow, sums.flow_count, sums.pressure, sums.pressure_count, sums.samples]
                    for sensor, sums in sensors.items()
                }
                for minute, sensors in self._open.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> int:
        """Restore the open minutes of `to_state` that are still open; returns the number of readings.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: the state is damaged; nothing was restored.
        """
        restored: dict[int, dict[str, Sums]] = {}
        closed_through = max(self.closed_through, int(state.get("closed_through", 0)))
        for minute, sensors in state["open"].items():
            if int(minute) > closed_through:
                restored[int(minute)] = {str(sensor): _restored(values) for sensor, values in sensors.items()}
        self._newest_s = max(self._newest_s, float(state["newest_s"]))
        self.closed_through = closed_through
        self._open.update(restored)
        return sum(sums.samples for sensors in restored.values() for sums in sensors.values())


def _restored(values: list[Any]) -> Sums:
    sums = Sums()
    flow, flow_count, pressure, pressure_count, samples = values
    sums.flow, sums.pressure = float(flow), float(pressure)
    sums.flow_count, sums.pressure_count, sums.samples = int(flow_count), int(pressure_count), int(samples)
    return sums
