"""Pressure that moves by itself: a pump, a valve, a set point (SUPPLY), or slowly, by days: the gauge (drift).

The residual is the pressure less what this time of day has at no flow and less what the flow costs on its way in,
so a burst, which lowers the pressure through the flow, does not show here.
"""

from typing import Any

from outliers.criteria import PressureUse
from outliers.rules import SUPPLY_DAY_ROWS, SUPPLY_FAST_ROWS, SUPPLY_HALF_DAY_ROWS, exponential_weight

FAST = exponential_weight(SUPPLY_FAST_ROWS)
HALF_DAY = exponential_weight(SUPPLY_HALF_DAY_ROWS)
DAY = exponential_weight(SUPPLY_DAY_ROWS)
WARM_ROWS = 720
CALM_MIN = 20
STAYS = 0.5
GIVE_UP_MIN = 48 * 60  # a level that stays this long is the new one


class Supply:
    """Follows the pressure residual (bar)."""

    def __init__(self, use: PressureUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.fast: float = state.get("fast", use.level_bar)
        self.half_day: float = state.get("half_day", use.level_bar)
        self.day: float = state.get("day", use.level_bar)
        self.rows: int = state.get("rows", 0)
        self.since: int | None = state.get("since")
        self.calm: int = state.get("calm", 0)
        self.drifting: bool = state.get("drifting", False)

    def state(self) -> dict[str, Any]:
        names = ("fast", "half_day", "day", "rows", "since", "calm", "drifting")
        return {name: getattr(self, name) for name in names}

    def step(self, minute: int, residual: float) -> str:
        """ "" = nothing new, "step" = pressure stepped, "over" = it is back or has become the level."""
        fast = self.fast + FAST * (residual - self.fast)
        self.fast = fast
        if self.since is None:
            self.half_day += HALF_DAY * (residual - self.half_day)
            self.day += DAY * (residual - self.day)
            away = fast - self.half_day
            if self.rows < WARM_ROWS:
                self.rows += 1
            elif away > self.use.step_bar or -away > self.use.step_bar:
                self.since, self.calm = minute, 0
                return "step"
            return ""
        self.calm = self.calm + 1 if abs(fast - self.half_day) < STAYS * self.use.step_bar else 0
        if self.calm >= CALM_MIN:
            self.since = None
            return "over"
        if minute - self.since >= GIVE_UP_MIN:
            self.day += fast - self.half_day
            self.half_day, self.since = fast, None
            return "over"
        return ""

    def wandered(self) -> float:
        """How far the last day's pressure was off its criterion, bar; a step that is up is not in it."""
        return self.day - self.use.level_bar

    def drift(self) -> bool | None:
        """Each hour: True = the gauge has begun to drift, False = it is back, None = as before."""
        away, limit = abs(self.day - self.use.level_bar), self.use.drift_bar
        if not self.drifting and self.rows >= WARM_ROWS and away > limit:
            self.drifting = True
            return True
        if self.drifting and away < STAYS * limit:
            self.drifting = False
            return False
        return None
