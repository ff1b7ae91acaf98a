"""The value of a minute: the mean of its readings, for each channel over those with a value."""

from dataclasses import dataclass
from typing import Any

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

    def merge(self, other: "Sums") -> None:
        """Add the readings of other sums."""
        self.flow, self.flow_count = self.flow + other.flow, self.flow_count + other.flow_count
        self.pressure, self.pressure_count = self.pressure + other.pressure, self.pressure_count + other.pressure_count
        self.samples += other.samples

    def to_state(self) -> list[float]:
        """As plain values; `sums_of` restores them."""
        return [self.flow, self.flow_count, self.pressure, self.pressure_count, self.samples]

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


def sums_of(values: list[Any]) -> Sums:
    """The sums of `Sums.to_state`.

    Raises:
        ValueError, TypeError: these are others.
    """
    sums = Sums()
    flow, flow_count, pressure, pressure_count, samples = values
    sums.flow, sums.pressure = float(flow), float(pressure)
    sums.flow_count, sums.pressure_count, sums.samples = int(flow_count), int(pressure_count), int(samples)
    return sums
