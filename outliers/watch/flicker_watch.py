"""How much of the flow stands still? Followed minute by minute: see `outliers.flicker`."""

import math
from typing import Any

from outliers.flicker import Still, TextureUse
from outliers.rules import FLICKER_COUNT as COUNT
from outliers.rules import FLICKER_WILD as WILD
from outliers.rules import LEAST_USE

QUARTER_MIN = 15
KEPT = 12  # quarters: as long as PREDICT follows a step, and some
LEAST_ROWS = 20  # changes from one minute to the next that make a measurement


class Texture:
    """Follows one sensor's minutes.

    A quarter of an hour is [UTC quarter, changes, sum of their squares, sum of flow, bars, sum of bar].
    """

    def __init__(self, use: TextureUse, mean_m3h: float, state: dict[str, Any] | None = None) -> None:
        self.use, self.mean = use, mean_m3h
        state = state or {}
        self.minute: int = state.get("minute", 0)  # of the newest good flow
        self.flow: float = state.get("flow", 0.0)
        self.quarters: list[list[float]] = [list(one) for one in state.get("quarters", [])]
        self.cap: float = state.get("cap", 0.0)
        self.newest = self.quarters[-1] if self.quarters else self._new(0)

    def state(self) -> dict[str, Any]:
        quarters = [list(one) for one in self.quarters]
        return {"minute": self.minute, "flow": self.flow, "quarters": quarters, "cap": self.cap}

    def new_quarter(self, quarter: int, expected_m3h: float) -> None:
        """UTC `quarter` begins, and so much flow is expected in it."""
        if self.newest[0] != quarter:
            self.newest = self._new(quarter)
        elif self.cap:
            return  # restarted in mid-quarter
        self.cap = WILD * self.use.by_use_m3h * max(expected_m3h - self.use.steady_m3h, LEAST_USE * self.mean)

    def _new(self, quarter: int) -> list[float]:
        newest = [float(quarter), 0.0, 0.0, 0.0, 0.0, 0.0]
        self.quarters = [*self.quarters, newest][-KEPT:]
        return newest

    def row(self, minute: int, flow: float) -> None:
        """A good flow."""
        if minute == self.minute + 1:
            change, newest = flow - self.flow, self.newest
            square = change * change
            newest[1] += 1.0
            newest[2] += square if square < self.cap else self.cap
            newest[3] += flow
        self.minute, self.flow = minute, flow

    def bar(self, pressure: float) -> None:
        """A good pressure."""
        newest = self.newest
        newest[4] += 1.0
        newest[5] += pressure

    def since(self, minute: int, gauge_bar: float) -> Still | None:
        """What stands still beyond the usual, of the whole quarters since UTC `minute`.

        `gauge_bar` is what the gauge has drifted by. A pressure that is not known is taken for the usual one.
        None = too few rows.
        """
        first = -(-minute // QUARTER_MIN)
        rows = squares = flow = bars = bar = 0.0
        for quarter in self.quarters:
            if quarter[0] >= first:
                rows += quarter[1]
                squares += quarter[2]
                flow += quarter[3]
                bars += quarter[4]
                bar += quarter[5]
        use = self.use
        steady = use.steady_m3h
        if rows < LEAST_ROWS:
            return None
        if bars >= LEAST_ROWS:
            steady += use.by_bar_m3h * (bar / bars - use.usual_bar - gauge_bar)
        used = flow / rows - steady
        error = use.error * math.sqrt(COUNT / rows) * max(used / self.mean, LEAST_USE)
        return Still((used - squares / rows / use.by_use_m3h) / self.mean, error)


def steady(still: Still | None, mean_m3h: float) -> str:
    """In words for a reason."""
    if still is None:
        return ""
    return f"; by its flicker {still.size * mean_m3h:.3g} ± {still.error * mean_m3h:.2g} m3/h is steady, as leaks are"
