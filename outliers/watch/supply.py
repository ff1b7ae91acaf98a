"""Pressure that changes without the flow: a pump, a valve, a set point (SUPPLY), or slowly over days: the gauge
(drift).

The residual is the pressure minus its expected value: the usual pressure at zero flow at this time of day less the head
loss of the flow. So a burst, which lowers the pressure through the flow, does not show here.
"""

import msgspec

from common.state_file import Count, Minute
from outliers.criteria import PressureUse
from outliers.findings import End
from outliers.rules import SUPPLY_DAY_ROWS, SUPPLY_FAST_ROWS, SUPPLY_HALF_DAY_ROWS, exponential_weight
from outliers.watch.evidence import DRIFT, SUPPLY_STEP, Change, Evidence, ended

FAST = exponential_weight(SUPPLY_FAST_ROWS)
HALF_DAY = exponential_weight(SUPPLY_HALF_DAY_ROWS)
DAY = exponential_weight(SUPPLY_DAY_ROWS)
WARM_ROWS = 720
CLEAR_AFTER_MIN = 20  # near its half day's mean for this long = over
BACK_SHARE = 0.5  # of a limit: below this the pressure counts as back
GIVE_UP_MIN = 48 * 60  # a level that stays this long is the new one


class SupplyState(msgspec.Struct):
    """The state of `SupplyWatch`.

    Attributes:
        fast, half_day, day: running means of the residual, bar.
        rows: good rows so far, up to `WARM_ROWS`.
        since: start of the active step.
        quiet_rows: rows in a row near the half day's mean.
        drifting: the gauge drifts.
    """

    fast: float
    half_day: float
    day: float
    rows: Count = 0
    since: Minute | None = None
    quiet_rows: Count = 0
    drifting: bool = False


class SupplyWatch:
    """Tracks the pressure residual (bar)."""

    def __init__(self, use: PressureUse, state: SupplyState | None = None) -> None:
        self.use = use
        self.state = state or SupplyState(use.level_bar, use.level_bar, use.level_bar)

    def on_row(self, minute: int, residual: float) -> Change:
        """BEGAN = the pressure stepped, ENDED = it is back, or the new pressure has become the level."""
        state = self.state
        fast = state.fast = state.fast + FAST * (residual - state.fast)
        if state.since is None:
            half_day = state.half_day = state.half_day + HALF_DAY * (residual - state.half_day)
            state.day += DAY * (residual - state.day)
            away = fast - half_day
            if state.rows < WARM_ROWS:
                state.rows += 1
            elif away > self.use.step_bar or -away > self.use.step_bar:
                state.since, state.quiet_rows = minute, 0
                return Change.BEGAN
            return Change.NONE
        quiet = abs(fast - state.half_day) < BACK_SHARE * self.use.step_bar
        state.quiet_rows = state.quiet_rows + 1 if quiet else 0
        if state.quiet_rows >= CLEAR_AFTER_MIN:
            state.since = None
            return Change.ENDED
        if minute - state.since >= GIVE_UP_MIN:
            state.day += fast - state.half_day
            state.half_day, state.since = fast, None
            return Change.ENDED
        return Change.NONE

    def evidence(self, minute: int, change: Change) -> Evidence:
        """Of a step that began or ended."""
        if change is Change.ENDED:
            return ended(SUPPLY_STEP, minute, End.PRESSURE_USUAL)
        numbers = {"away_bar": self.state.fast - self.state.half_day, "limit_bar": self.use.step_bar}
        return Evidence(SUPPLY_STEP, change, minute, minute, numbers)

    def wandered(self) -> float:
        """The last day's deviation of the pressure from its criterion, bar; without an active step."""
        return self.state.day - self.use.level_bar

    def on_hour(self, minute: int) -> Evidence | None:
        """Whether the last day's pressure has left its band, or has come back."""
        state, away, limit = self.state, self.wandered(), self.use.drift_bar
        if not state.drifting and state.rows >= WARM_ROWS and abs(away) > limit:
            state.drifting = True
            return Evidence(DRIFT, Change.BEGAN, minute, minute, {"away_bar": away, "limit_bar": limit})
        if state.drifting and abs(away) < BACK_SHARE * limit:
            state.drifting = False
            return ended(DRIFT, minute, End.PRESSURE_USUAL)
        return None
