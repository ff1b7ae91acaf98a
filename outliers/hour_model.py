"""How the use varies from hour to hour, as learnt from the archive, and how far one hour is believed."""

import math
from dataclasses import dataclass

from outliers.rules import LEAST_HOUR_SHARE, MEASURE_SHARE, SURPRISE_CLIP

STEADY_MEMORY = math.exp(-1 / (20 * 24))  # memory of the steady flow's wander per hour: twenty days


@dataclass(frozen=True, slots=True)
class HourModel:
    """Learnt dynamics of the ratio `u`.

    Attributes:
        hour_memory: share of the hour-scale deviation that remains an hour later.
        day_memory: the same for the day-scale deviation.
        day_variance: stationary variance of the day-scale deviation, in an hour of the usual spread.
        level_variance: variance added to the slow level each hour.
        spread: standard deviation of `u` about its slow level, for each hour of the week (24 for each day).
        usual_spread: in an hour with twice this spread, both deviations are twice as large: nights are quieter than
            days. 0 in an older file: they are the same in all hours.
    """

    hour_memory: float
    day_memory: float
    day_variance: float
    level_variance: float
    spread: tuple[float, ...]
    usual_spread: float = 0.0

    def load(self, slot: int) -> float:
        """How large the deviations are in an hour of the week, against an hour of the usual spread."""
        return self.spread[slot] / self.usual_spread if self.usual_spread else 1.0

    def _own_variance(self, slot: int) -> float:
        """Variance of an hour of the week about the deviation of its day, as if its spread were usual."""
        whole = (self.usual_spread or self.spread[slot]) ** 2
        return max(whole - self.day_variance, LEAST_HOUR_SHARE * whole)

    def noise(self, slot: int) -> float:
        """Variance of an hour's measurement."""
        return MEASURE_SHARE * self._own_variance(slot) * self.load(slot) ** 2

    def new_day_variance(self) -> float:
        """What an hour adds to the variance of the day-scale deviation."""
        return self.day_variance * (1 - self.day_memory * self.day_memory)

    def new_hour_variance(self, slot: int) -> float:
        """The same for the hour-scale deviation."""
        return (1 - MEASURE_SHARE) * self._own_variance(slot) * (1 - self.hour_memory * self.hour_memory)


def distrust(surprise: float) -> float:
    """Factor on the variance of an hour whose surprise is this many standard deviations (Huber)."""
    return max(1.0, abs(surprise) / SURPRISE_CLIP)
