"""The steady part of the flow, updated minute by minute: see `outliers.flicker`."""

import math

import msgspec

from common.state_file import Count, Minute
from outliers.flicker import SteadyFlow, TextureUse
from outliers.rules import FLICKER_COUNT, FLICKER_WILD, LEAST_USE

QUARTER_MIN = 15
KEPT = 12  # quarters: a little longer than PREDICT follows a step
LEAST_ROWS = 20  # fewest one-minute changes for a measurement


class QuarterFlicker(msgspec.Struct, array_like=True, gc=False):
    """Sums over a quarter of an hour.

    Attributes:
        quarter: UTC unix quarter.
        changes, squares: number of one-minute changes of the flow, and the sum of their squares.
        flow: sum of the flow over the same minutes.
        bars, bar: number of good pressures, and their sum.
    """

    quarter: Count
    changes: Count = 0
    squares: float = 0.0
    flow: float = 0.0
    bars: Count = 0
    bar: float = 0.0


class FlickerState(msgspec.Struct):
    """The state of `FlickerWatch`: minute and value of the newest good flow, the quarters, the cap of a square."""

    minute: Minute = 0
    flow: float = 0.0
    quarters: list[QuarterFlicker] = []
    cap: float = 0.0


class FlickerWatch:
    """Tracks one sensor's minutes."""

    def __init__(self, use: TextureUse, mean_m3h: float, state: FlickerState | None = None) -> None:
        self.use, self.mean = use, mean_m3h
        self.state = state or FlickerState()
        self._newest = self.state.quarters[-1] if self.state.quarters else self._add(0)

    def on_quarter(self, quarter: int, expected_m3h: float) -> None:
        """UTC `quarter` begins, with this expected flow."""
        if self._newest.quarter != quarter:
            self._newest = self._add(quarter)
        elif self.state.cap:
            return  # restarted in mid-quarter
        used = max(expected_m3h - self.use.steady_m3h, LEAST_USE * self.mean)
        self.state.cap = FLICKER_WILD * self.use.by_use_m3h * used

    def _add(self, quarter: int) -> QuarterFlicker:
        newest = QuarterFlicker(quarter)
        self.state.quarters = [*self.state.quarters, newest][-KEPT:]
        return newest

    def on_flow(self, minute: int, flow: float) -> None:
        """A good flow."""
        state = self.state
        if minute == state.minute + 1:
            change, newest = flow - state.flow, self._newest
            square = change * change
            newest.changes += 1
            newest.squares += square if square < state.cap else state.cap
            newest.flow += flow
        state.minute, state.flow = minute, flow

    def on_pressure(self, pressure: float) -> None:
        """A good pressure."""
        newest = self._newest
        newest.bars += 1
        newest.bar += pressure

    def since(self, minute: int, gauge_bar: float) -> SteadyFlow | None:
        """The extra steady flow of the whole quarters since UTC `minute`; None = too few rows.

        `gauge_bar` is the drift of the gauge. An unknown pressure counts as the usual one.
        """
        first = -(-minute // QUARTER_MIN)
        rows = bars = 0
        squares = flow = bar = 0.0
        for quarter in self.state.quarters:
            if quarter.quarter >= first:
                rows += quarter.changes
                squares += quarter.squares
                flow += quarter.flow
                bars += quarter.bars
                bar += quarter.bar
        use = self.use
        steady = use.steady_m3h
        if rows < LEAST_ROWS:
            return None
        if bars >= LEAST_ROWS:
            steady += use.by_bar_m3h * (bar / bars - use.usual_bar - gauge_bar)
        used = flow / rows - steady
        error = use.error * math.sqrt(FLICKER_COUNT / rows) * max(used / self.mean, LEAST_USE)
        return SteadyFlow((used - squares / rows / use.by_use_m3h) / self.mean, error)


def steady_numbers(steady: SteadyFlow | None, mean_m3h: float) -> dict[str, float]:
    """The steady flow as numbers of an evidence; none if it is not known."""
    if steady is None:
        return {}
    return {"steady_m3h": steady.size * mean_m3h, "steady_error_m3h": steady.error * mean_m3h}
