"""Which instrument is wrong? Flow and pressure are compared where the site's slope allows it.

More flow costs pressure on its way in. If the flow meter reads more and the pressure does not pay for it, the
pressure residual rises by what the flow should have cost: then the meter is wrong and nothing leaks.
"""

import math
from dataclasses import dataclass

import msgspec

from common.state_file import Count
from outliers.criteria import PressureUse
from outliers.rules import HEADLOSS, HOUR_ROWS

KEPT_H = 72
BEFORE_H, LEAST_H = 24, 6  # hours before a start that are its reference; with fewer than the least no judgement
AFTER_H = 24
CONFIRMABLE = 2.5  # noise: an answer smaller than this cannot be told from none
AGREES = 0.5  # share of the expected change that decides between two instruments


@dataclass(frozen=True, slots=True)
class PressureAnswer:
    """What the pressure did while the flow rose: bar.

    Attributes:
        due: rise of the residual if the flow meter alone is wrong.
        rise: rise of the residual.
        noise: its standard deviation.
    """

    due: float
    rise: float
    noise: float

    @property
    def fell(self) -> float:
        """How far the pressure fell for the flow."""
        return self.due - self.rise

    @property
    def confirmable(self) -> bool:
        return abs(self.due) >= CONFIRMABLE * self.noise

    @property
    def meter(self) -> bool:
        """The flow meter is wrong."""
        return self.confirmable and self.rise / self.due > AGREES

    def words(self) -> str:
        """For the reason of a LEAK."""
        if not self.confirmable:
            return f"; not confirmable by pressure ({self.due:.3f} bar, noise {self.noise:.3f})"
        if self.meter:
            return f"; pressure does not agree so far: it fell {self.fell:.2f} bar of {self.due:.2f}"
        return f"; pressure agrees: it fell {self.fell:.2f} bar of {self.due:.2f}"


class HourResidual(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Mean pressure residual of a UTC unix hour, bar."""

    hour: Count
    residual: float


class ResidualState(msgspec.Struct):
    """What `PressureResidualHistory` keeps: the hours, and sum and rows of the running one."""

    hours: list[HourResidual] = []
    total: float = 0.0
    rows: Count = 0


class PressureResidualHistory:
    """Remembers the pressure residual by hours."""

    def __init__(self, use: PressureUse, state: ResidualState | None = None) -> None:
        self.use = use
        self.state = state or ResidualState()

    def on_row(self, residual: float) -> None:
        """A good minute's pressure residual, bar."""
        self.state.total += residual
        self.state.rows += 1

    def on_hour(self, hour: int) -> None:
        """The hour is over: keep its mean residual."""
        state = self.state
        if state.rows >= HOUR_ROWS:
            state.hours.append(HourResidual(hour, state.total / state.rows))
            if len(state.hours) > KEPT_H:
                del state.hours[0]
        state.total, state.rows = 0.0, 0

    def answer(self, since: int, size: float) -> PressureAnswer | None:
        """The pressure's answer to a flow of `size` (share of the mean) since UTC minute `since`; None = no data."""
        state, first = self.state, since // 60  # the hours that end before it
        before = [one.residual for one in state.hours if first - BEFORE_H <= one.hour < first]
        after = [one.residual for one in state.hours if one.hour * 60 >= since][-AFTER_H:]
        if state.rows >= HOUR_ROWS:
            after.append(state.total / state.rows)
        if len(before) < LEAST_H or not after:
            return None
        noise = self.use.spread_bar * math.sqrt(1 / self._independent(len(before)) + 1 / self._independent(len(after)))
        rise = sum(after) / len(after) - sum(before) / len(before)
        return PressureAnswer(-self.use.slope_bar * HEADLOSS * size, rise, noise)

    def _independent(self, hours: int) -> float:
        """How many independent values so many hours in a row are worth."""
        memory = self.use.memory
        return 1.0 + (hours - 1) * (1 - memory) / (1 + memory)
