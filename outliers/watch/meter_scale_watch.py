"""Does the flow meter read in the right scale? Followed minute by minute: see `outliers.meter_scale`."""

import math
from dataclasses import dataclass
from typing import Any

from outliers.meter_scale import ScaleUse
from outliers.rules import HEADLOSS
from outliers.rules import SCALE_BLOCK_MIN as BLOCK_MIN
from outliers.rules import SCALE_LEAST_ROWS as LEAST_ROWS
from outliers.rules import SCALE_QUARTER_ROWS as QUARTER_ROWS
from outliers.rules import SCALE_WILD as WILD
from outliers.rules import SCALE_WINDOWS as WINDOWS

KEPT = WINDOWS[-1]  # blocks
LEAST_SIZE, LARGEST_SIZE = 0.05, 0.4  # smaller interests nobody; larger is another valve, another pump, no meter
BACK_SIZE = 0.5  # share of the size at which it is right again
LEAST_ANSWER = 0.1  # of the usual: below, it has no answer
NEWEST = (2, 4, 8, 16)  # blocks that are asked whether it is right again: as many as it takes
SURE = 4.0  # errors that they must be able to tell from the size


@dataclass(frozen=True, slots=True)
class Off:
    """By what share the meter reads too much (below nought: too little), how sure that is, since which UTC minute."""

    size: float
    error: float
    score: float  # size over error
    since: int


class Scale:
    """Follows one sensor. Rows come with the cost `(flow / mean) ** 1.85` as the meter reads, and any pressure that
    differs from the measured one by a multiple of it and by what stands still for a quarter of an hour."""

    def __init__(self, use: ScaleUse, mean_m3h: float, state: dict[str, Any] | None = None) -> None:
        self.use = use
        self.unit = mean_m3h**HEADLOSS  # blocks are kept in m3/h, since criteria change their mean
        state = state or {}
        self.quarter: list[float] = list(state.get("quarter", [0.0] * 6))
        self.quarters: list[list[float]] = [list(one) for one in state.get("quarters", [])]  # of the running block
        self.blocks: list[list[float]] = [list(block) for block in state.get("blocks", [])]
        self.last: int = state.get("last", 0)  # block of the newest rows

    def state(self) -> dict[str, Any]:
        return {
            "quarter": list(self.quarter),
            "quarters": [list(one) for one in self.quarters],
            "blocks": [list(block) for block in self.blocks],
            "last": self.last,
        }

    def row(self, cost: float, pressure: float) -> None:
        """A good minute of both."""
        sums = self.quarter
        sums[0] += 1.0
        sums[1] += cost
        sums[2] += pressure
        sums[3] += cost * cost
        sums[4] += cost * pressure
        sums[5] += pressure * pressure

    def close_quarter(self, ended: int, minute: int) -> bool:
        """The unix quarter `ended` is over, and UTC minute `minute` has begun. True = a block is over too."""
        rows, cost, pressure, squares, products, bars = self.quarter
        if rows >= LEAST_ROWS:
            slope = self.use.slope_bar
            square, product = squares - cost * cost / rows, products - cost * pressure / rows
            off = (bars - pressure * pressure / rows - 2 * slope * product + slope * slope * square) / rows
            weight = 1.0 if off <= WILD * self.use.scatter_bar2 else WILD * self.use.scatter_bar2 / off
            self.quarters.append([ended, weight * square * self.unit * self.unit, weight * product * self.unit])
        self.quarter = [0.0] * 6
        newest = minute // BLOCK_MIN
        if newest == self.last:
            return False
        known = self.blocks if newest == self.last + 1 else []  # what was before a gap is of another time
        self.blocks = [*known, [sum(one[place] for one in self.quarters) for place in (1, 2)]][-KEPT:]
        self.quarters = []
        self.last = newest
        return True

    def found(self, blur: float = 0.0) -> Off | None:
        """Whether the meter reads in another scale than the archive's; the window that shows it best.

        `blur`: a share by which the scale may seem off for another reason.
        """
        seen = [off for window in WINDOWS if window <= len(self.blocks) and (off := self._window(window)) is not None]
        best = max(seen, key=lambda off: off.score, default=None)
        if best is None or best.score < self.use.limit or not LEAST_SIZE + blur <= abs(best.size) <= LARGEST_SIZE:
            return None
        return best

    def newest(self, size: float) -> Off | None:
        """The scale of as few of the newest hours as it takes to tell `size` from nought; None = not yet."""
        for window in NEWEST:
            off = self._window(window) if window <= len(self.blocks) else None
            if off is not None and (SURE * off.error < abs(size) or window == NEWEST[-1]):
                return off
        return None

    def since(self, minute: int) -> Off | None:
        """The scale of the time since UTC minute `minute`; None = nothing to tell it from."""
        first = self.last - len(self.blocks)
        whole = self.blocks[max(0, -(-minute // BLOCK_MIN) - first) :]
        return self._off([*whole, *(one[1:] for one in self.quarters if one[0] * QUARTER_ROWS >= minute)], minute)

    def _window(self, blocks: int) -> Off | None:
        return self._off(self.blocks[-blocks:], (self.last - blocks) * BLOCK_MIN)

    def _off(self, sums: list[list[float]], since: int) -> Off | None:
        square, product = (sum(one[place] for one in sums) for place in (0, 1))
        square, product = square / self.unit**2, product / self.unit
        if square <= 0.0:
            return None
        answer = product / square / self.use.slope_bar  # 1 = as usual
        error = math.sqrt(self.use.error2 / square)
        size = max(answer, LEAST_ANSWER) ** (-1 / HEADLOSS) - 1.0
        return Off(size, error, abs(1.0 - answer) / HEADLOSS / error, since)

    def forget(self) -> None:
        """What was seen so far has been told."""
        self.blocks = []
