"""Which instrument is wrong? Flow and pressure are held against each other where the site's slope allows it.

More flow costs pressure on its way in. If the flow meter reads more and the pressure does not pay for it, the
pressure residual rises by what the flow should have cost: then the meter is wrong and nothing leaks.
"""

import math
from dataclasses import dataclass
from typing import Any

from outliers.criteria import PressureUse
from outliers.rules import HEADLOSS
from outliers.rules import HOUR_ROWS as LEAST_ROWS

KEPT_H = 72
BEFORE_H, LEAST_H = 24, 6  # hours before a start that are its reference; below the least there is no judgement
AFTER_H = 24
CONFIRMABLE = 2.5  # noise: an answer smaller than this cannot be told from none
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
    """Remembers the pressure residual by hours."""

    def __init__(self, use: PressureUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.hours: list[list[float]] = [list(pair) for pair in state.get("hours", [])]  # UTC hour, mean residual
        self.total: float = state.get("total", 0.0)
        self.rows: int = state.get("rows", 0)

    def state(self) -> dict[str, Any]:
        return {
            "hours": [list(pair) for pair in self.hours],
            "total": self.total,
            "rows": self.rows,
        }

    def row(self, residual: float) -> None:
        """A good minute's pressure residual, bar."""
        self.total += residual
        self.rows += 1

    def close_hour(self, hour: int) -> None:
        """Keep the hour's mean residual."""
        if self.rows >= LEAST_ROWS:
            self.hours.append([hour, self.total / self.rows])
            if len(self.hours) > KEPT_H:
                del self.hours[0]
        self.total, self.rows = 0.0, 0

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


def words(answer: Answer | None) -> str:
    """What the pressure has to say to a LEAK."""
    if answer is None:
        return ""
    if not answer.confirmable:
        return f"; not confirmable by pressure ({answer.due:.3f} bar, noise {answer.noise:.3f})"
    fell = answer.due - answer.found
    if answer.meter:
        return f"; pressure does not agree so far: it fell {fell:.2f} bar of {answer.due:.2f}"
    return f"; pressure agrees: it fell {fell:.2f} bar of {answer.due:.2f}"
