"""Which instrument is wrong? Flow and pressure are compared if the site's slope allows it.

More flow means more head loss at the inlet. If the flow meter reads more but the pressure does not fall, the pressure
residual rises by the missing head loss: then the meter is wrong and there is no leak.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import msgspec

from common.state_file import Count
from outliers.findings import Note
from outliers.rules import HEADLOSS, HOUR_ROWS

KEPT_H = 72
BEFORE_H, LEAST_H = 24, 6  # hours before a start used as reference; no result with fewer than the least
AFTER_H = 24
CONFIRMABLE = 2.5  # times the noise: a smaller response cannot be detected
AGREES = 0.5  # share of the expected change that decides between the two instruments


@dataclass(frozen=True, slots=True)
class PressureAnswer:
    """The change of the pressure while the flow rose, bar.

    Attributes:
        due: rise of the residual if only the flow meter is wrong.
        rise: rise of the residual.
        noise: its standard deviation.
    """

    due: float
    rise: float
    noise: float

    @property
    def fell(self) -> float:
        """How far the pressure fell because of the flow."""
        return self.due - self.rise

    @property
    def confirmable(self) -> bool:
        return abs(self.due) >= CONFIRMABLE * self.noise

    @property
    def meter(self) -> bool:
        """Whether the flow meter is wrong."""
        return self.confirmable and self.rise / self.due > AGREES

    @property
    def note(self) -> Note:
        """What it says about a leak."""
        if not self.confirmable:
            return Note.PRESSURE_UNKNOWN
        return Note.PRESSURE_DISAGREES if self.meter else Note.PRESSURE_AGREES

    @property
    def numbers(self) -> dict[str, float]:
        return {"due_bar": self.due, "fell_bar": self.fell, "noise_bar": self.noise}


class HourResidual(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Mean pressure residual of a UTC unix hour, bar."""

    hour: Count
    residual: float


class ResidualState(msgspec.Struct):
    """The state of `PressureResidualHistory`: the hours, and sum and rows of the current one."""

    hours: list[HourResidual] = []
    total: float = 0.0
    rows: Count = 0


class ResidualUse(Protocol):
    """What is usual of a residual, as in `outliers.criteria.PressureUse`."""

    @property
    def slope_bar(self) -> float: ...
    @property
    def spread_bar(self) -> float: ...
    @property
    def memory(self) -> float: ...


class PressureResidualHistory:
    """The hourly history of the pressure residual. `hour_rows`: the fewest good minutes of an hour that counts."""

    def __init__(self, use: ResidualUse, state: ResidualState | None = None, hour_rows: int = HOUR_ROWS) -> None:
        self.use = use
        self.state = state or ResidualState()
        self._hour_rows = hour_rows

    def on_row(self, residual: float) -> None:
        """A good minute's pressure residual, bar."""
        self.state.total += residual
        self.state.rows += 1

    def on_hour(self, hour: int) -> None:
        """End of the hour: store its mean residual."""
        state = self.state
        if state.rows >= self._hour_rows:
            state.hours.append(HourResidual(hour, state.total / state.rows))
            if len(state.hours) > KEPT_H:
                del state.hours[0]
        state.total, state.rows = 0.0, 0

    def answer(self, since: int, size: float) -> PressureAnswer | None:
        """The pressure's response to a flow of `size` (share of the mean) since UTC minute `since`; None = no data."""
        state, first = self.state, since // 60  # hours that end before it
        before = [one.residual for one in state.hours if first - BEFORE_H <= one.hour < first]
        after = [one.residual for one in state.hours if one.hour * 60 >= since][-AFTER_H:]
        if state.rows >= self._hour_rows:
            after.append(state.total / state.rows)
        if len(before) < LEAST_H or not after:
            return None
        noise = self.use.spread_bar * math.sqrt(1 / self._independent(len(before)) + 1 / self._independent(len(after)))
        rise = sum(after) / len(after) - sum(before) / len(before)
        return PressureAnswer(-self.use.slope_bar * HEADLOSS * size, rise, noise)

    def _independent(self, hours: int) -> float:
        """The number of independent values that `hours` consecutive hours are equivalent to."""
        memory = self.use.memory
        return 1.0 + (hours - 1) * (1 - memory) / (1 + memory)
