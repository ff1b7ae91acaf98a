"""Which instrument is wrong? Flow and pressure are held against each other where the site's slope allows it.

More flow costs pressure on its way in. If the flow meter reads more and the pressure does not pay for it, the
pressure residual rises by what the flow should have cost: then the meter is wrong and nothing leaks.
"""

import math
from dataclasses import dataclass
from typing import Any

from common.criteria import PressureUse

HEADLOSS = 1.85  # exponent of the flow in the pressure that it costs (Hazen-Williams)
KEPT_H = 72
BEFORE_H, LEAST_H = 24, 6  # hours before a start that are its reference; below the least there is no judgement
AFTER_H = 24
LEAST_ROWS = 30  # good minutes that make an hour
CONFIRMABLE = 2.5  # noise: an answer smaller than this cannot be told from none
DAYS = 12  # of the flow's level, for drift
AGREES = 0.5  # share of the expected change that decides between two instruments


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pressure did while the flow rose: bar.

    Attributes:
        due: rise of the residual if the flow meter alone is wrong.
        found: rise of the residual.
        noise: its standard deviation.
    """

    due: float
    found: float
    noise: float

    @property
    def confirmable(self) -> bool:
        return abs(self.due) >= CONFIRMABLE * self.noise

    @property
    def meter(self) -> bool:
        """The flow meter is wrong."""
        return self.confirmable and self.found / self.due > AGREES


class Witness:
    """Remembers the pressure residual by hours, and the flow's level by days."""

    def __init__(self, use: PressureUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.hours: list[list[float]] = [list(pair) for pair in state.get("hours", [])]  # UTC hour, mean residual
        self.levels: list[float] = list(state.get("levels", []))  # flow / usual - 1 of the last days
        self.total: float = state.get("total", 0.0)
        self.rows: int = state.get("rows", 0)
        self.flow: float = state.get("flow", 0.0)  # sums of the day
        self.usual: float = state.get("usual", 0.0)

    def state(self) -> dict[str, Any]:
        return {
            "hours": [list(pair) for pair in self.hours],
            "levels": list(self.levels),
            "total": self.total,
            "rows": self.rows,
            "flow": self.flow,
            "usual": self.usual,
        }

    def row(self, residual: float) -> None:
        """A good minute's pressure residual, bar."""
        self.total += residual
        self.rows += 1

    def add(self, flow: float, usual: float) -> None:
        """An hour's sums of the flow and of its criterion."""
        self.flow += flow
        self.usual += usual

    def close_hour(self, hour: int) -> None:
        """Keep the hour's mean residual."""
        if self.rows >= LEAST_ROWS:
            self.hours.append([hour, self.total / self.rows])
            if len(self.hours) > KEPT_H:
                del self.hours[0]
        self.total, self.rows = 0.0, 0

    def close_day(self) -> None:
        """Keep the flow's level of the day."""
        if self.usual > 0:
            self.levels = [*self.levels, self.flow / self.usual - 1.0][-DAYS:]
        self.flow = self.usual = 0.0

    def answer(self, since: int, size: float) -> Answer | None:
        """The pressure's answer to a flow of `size` (share of the mean) since UTC minute `since`; None = no data."""
        last = since // 60  # the hours that end before it
        before = [value for hour, value in self.hours if last - BEFORE_H <= hour < last]
        after = [value for hour, value in self.hours if hour * 60 >= since][-AFTER_H:]
        if self.rows >= LEAST_ROWS:
            after.append(self.total / self.rows)
        if len(before) < LEAST_H or not after:
            return None
        noise = self.use.spread_bar * math.sqrt(1 / self._free(len(before)) + 1 / self._free(len(after)))
        found = sum(after) / len(after) - sum(before) / len(before)
        return Answer(-self.use.slope_bar * HEADLOSS * size, found, noise)

    def _free(self, hours: int) -> float:
        """How many independent values so many hours in a row are worth."""
        memory = self.use.memory
        return 1.0 + (hours - 1) * (1 - memory) / (1 + memory)

    def flow_drifts(self, away_bar: float) -> bool:
        """Whether the flow meter's drift, rather than the gauge's, explains a residual `away_bar` off its level."""
        if len(self.levels) < DAYS or not self.use.slope_bar:
            return False
        scale = away_bar / (-self.use.slope_bar * HEADLOSS)
        moved = sum(self.levels[-2:]) / 2 - sum(self.levels[:3]) / 3
        return abs(moved - scale) < AGREES * abs(scale)
