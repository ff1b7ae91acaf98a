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
        day_variance: stationary variance of the day-scale deviation.
        level_variance: variance added to the slow level each hour.
        spread: standard deviation of `u` about its slow level, for each hour of the week (24 for each day).
    """

    hour_memory: float
    day_memory: float
    day_variance: float
    level_variance: float
    spread: tuple[float, ...]

    def own_variance(self, slot: int) -> float:
        """Variance of an hour of the week about the deviation of its day."""
        return max(self.spread[slot] ** 2 - self.day_variance, LEAST_HOUR_SHARE * self.spread[slot] ** 2)

    def new_day_variance(self) -> float:
        """What an hour adds to the variance of the day-scale deviation."""
        return self.day_variance * (1 - self.day_memory * self.day_memory)

    def new_hour_variance(self, slot: int) -> float:
        """The same for the hour-scale deviation."""
        return (1 - MEASURE_SHARE) * self.own_variance(slot) * (1 - self.hour_memory * self.hour_memory)


def distrust(surprise: float) -> float:
    """Factor on the variance of an hour whose surprise is this many standard deviations (Huber)."""
    return max(1.0, abs(surprise) / SURPRISE_CLIP)
