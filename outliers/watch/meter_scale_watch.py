"""The scale of the flow meter, updated minute by minute: see `outliers.meter_scale`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from common.state_file import Count
from outliers.meter_scale import ScaleUse
from outliers.rules import (
    HEADLOSS,
    SCALE_BLOCK_MIN,
    SCALE_LEAST_ROWS,
    SCALE_QUARTER_ROWS,
    SCALE_WILD,
    SCALE_WINDOWS,
)

LEAST_SIZE, LARGEST_SIZE = 0.05, 0.4  # smaller does not matter; larger is a valve or pump, not the meter
BACK_SIZE = 0.5  # share of the size at which it is right again
LEAST_ANSWER = 0.1  # of the usual response: below this the pressure does not respond at all
NEWEST = (2, 4, 8, 16)  # newest blocks used to check whether it is right again: the fewest that suffice
SURE = 4.0  # standard errors within which they must resolve the size


@dataclass(frozen=True, slots=True)
class ScaleEstimate:
    """The share by which the meter reads too much (negative: too little), its error, and its start (UTC minute)."""

    size: float
    error: float
    score: float  # size over error
    since: int


class QuarterSums(msgspec.Struct, array_like=True, gc=False):
    """Sums over the current quarter: rows, cost, pressure, and their products."""

    rows: Count = 0
    cost: float = 0.0
    pressure: float = 0.0
    cost_cost: float = 0.0
    cost_pressure: float = 0.0
    pressure_pressure: float = 0.0


class QuarterFit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A quarter of an hour: the weighted sums for the slope, costs in (m3/h) ** 1.85."""

    quarter: Count
    square: float
    product: float


class BlockFit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The same sums over a block of `SCALE_BLOCK_MIN`."""

    square: float
    product: float


class ScaleState(msgspec.Struct):
    """The state of `MeterScaleWatch`: current quarter, quarters of the current block, blocks (newest last).

    `last` is the current block: UTC unix minute // `SCALE_BLOCK_MIN`.
    """

    sums: QuarterSums = msgspec.field(default_factory=QuarterSums)
    quarters: list[QuarterFit] = []
    blocks: list[BlockFit] = []
    last: Count = 0


class MeterScaleWatch:
    """Tracks one sensor. Rows have the cost `(flow / mean) ** 1.85` of the meter's flow, and a pressure that may differ
    from the measured one by a multiple of the cost and by a constant within each quarter of an hour."""

    def __init__(self, use: ScaleUse, mean_m3h: float, state: ScaleState | None = None) -> None:
        self.use = use
        self._unit = mean_m3h**HEADLOSS  # blocks are stored in m3/h because the mean changes with the criteria
        self.state = state or ScaleState()

    def on_row(self, cost: float, pressure: float) -> None:
        """A minute in which both are good."""
        sums = self.state.sums
        sums.rows += 1
        sums.cost += cost
        sums.pressure += pressure
        sums.cost_cost += cost * cost
        sums.cost_pressure += cost * pressure
        sums.pressure_pressure += pressure * pressure

    def on_quarter_end(self, quarter: int, minute: int) -> bool:
        """End of the unix quarter `quarter`; UTC minute `minute` has begun. True = a block has also ended."""
        state, sums, rows = self.state, self.state.sums, self.state.sums.rows
        if rows >= SCALE_LEAST_ROWS:
            slope = self.use.slope_bar
            square = sums.cost_cost - sums.cost * sums.cost / rows
            product = sums.cost_pressure - sums.cost * sums.pressure / rows
            scatter = sums.pressure_pressure - sums.pressure * sums.pressure / rows
            off = (scatter - 2 * slope * product + slope * slope * square) / rows
            weight = 1.0 if off <= SCALE_WILD * self.use.scatter_bar2 else SCALE_WILD * self.use.scatter_bar2 / off
            square, product = weight * square * self._unit * self._unit, weight * product * self._unit
            state.quarters.append(QuarterFit(quarter, square, product))
        state.sums = QuarterSums()
        newest = minute // SCALE_BLOCK_MIN
        if newest == state.last:
            return False
        known = state.blocks if newest == state.last + 1 else []  # data before a gap is too old
        state.blocks = [*known, BlockFit(*_total(state.quarters))][-SCALE_WINDOWS[-1] :]
        state.quarters = []
        state.last = newest
        return True

    def wrong(self, blur: float = 0.0) -> ScaleEstimate | None:
        """The estimate of the window that shows a wrong scale best; None if the scale is right.

        `blur`: a share by which the scale may seem wrong for another reason.
        """
        windows = [self._window(window) for window in SCALE_WINDOWS if window <= len(self.state.blocks)]
        seen = [estimate for estimate in windows if estimate is not None]
        best = max(seen, key=lambda estimate: estimate.score, default=None)
        if best is None or best.score < self.use.limit or not LEAST_SIZE + blur <= abs(best.size) <= LARGEST_SIZE:
            return None
        return best

    def newest(self, size: float) -> ScaleEstimate | None:
        """The scale from the fewest newest hours that can tell `size` from 0; None = not yet."""
        for window in NEWEST:
            estimate = self._window(window) if window <= len(self.state.blocks) else None
            if estimate is not None and (SURE * estimate.error < abs(size) or window == NEWEST[-1]):
                return estimate
        return None

    def since(self, minute: int) -> ScaleEstimate | None:
        """The scale since UTC minute `minute`; None = no data."""
        state = self.state
        first = state.last - len(state.blocks)
        whole = state.blocks[max(0, -(-minute // SCALE_BLOCK_MIN) - first) :]
        running = [quarter for quarter in state.quarters if quarter.quarter * SCALE_QUARTER_ROWS >= minute]
        return self._estimate([*whole, *running], minute)

    def _window(self, blocks: int) -> ScaleEstimate | None:
        return self._estimate(self.state.blocks[-blocks:], (self.state.last - blocks) * SCALE_BLOCK_MIN)

    def _estimate(self, fits: Sequence[QuarterFit | BlockFit], since: int) -> ScaleEstimate | None:
        square, product = _total(fits)
        square, product = square / self._unit**2, product / self._unit
        if square <= 0.0:
            return None
        answer = product / square / self.use.slope_bar  # 1 = as usual
        error = math.sqrt(self.use.error2 / square)
        size = max(answer, LEAST_ANSWER) ** (-1 / HEADLOSS) - 1.0
        return ScaleEstimate(size, error, abs(1.0 - answer) / HEADLOSS / error, since)

    def forget(self) -> None:
        """Drop the data so far, because it has been reported."""
        self.state.blocks = []


def _total(fits: Sequence[QuarterFit | BlockFit]) -> tuple[float, float]:
    return sum(fit.square for fit in fits), sum(fit.product for fit in fits)
