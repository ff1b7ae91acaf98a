"""PREDICT: has the flow stepped up against the forecast, minutes ago, and has it stayed up?

The residual is the flow less its forecast: the forecast of the running hour where there is one, else the criterion
times the level that the last hours had. The step is a fast mean of the residual less a slow one; it is judged in
spreads of this hour of the day. A step over its limit is a WATCH. From then on the slow mean and the level stand
still, and if the residual is still up after an hour it is a LEAK: flushing and other planned use is over by then.
"""

from dataclasses import dataclass
from typing import Any

from common.criteria import FlowUse

FAST, MIDDLE, SLOW = 1 / 4, 1 / 15, 1 / 60  # weights of the newest row in the three means
BLOCK_ROWS, BLOCKS = 5, 6  # the base of a step: 25 rows that are at least 5 old
WARM_ROWS = 90  # rows until the slow mean means something
LASTING_MIN = 52  # from the first minute of the step; flushing a main takes up to about 45
REACTION_MIN = 3  # the step began about so long before the fast mean passed the limit
CALM_MIN = 20  # below half the limit for so long = over
GIVE_UP_MIN = 150  # not over, not large enough for a LEAK: VALUE judges it from here on
STAYS = 0.5  # share of a limit below which a step counts as gone


@dataclass(frozen=True, slots=True)
class HourForecast:
    """The forecast of the running hour's mean, made at its start; None where the forecaster has none."""

    flow_m3h: float | None
    pressure_bar: float | None = None


class StepWatch:
    """Follows the residual of one sensor's flow (m3/h), one good row at a time."""

    def __init__(self, use: FlowUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.fast: float = state.get("fast", 0.0)
        self.middle: float = state.get("middle", 0.0)
        self.slow: float = state.get("slow", 0.0)
        self.blocks: list[float] = list(state.get("blocks", []))  # means of BLOCK_ROWS rows, oldest first
        self.block: float = state.get("block", 0.0)
        self.block_rows: int = state.get("block_rows", 0)
        self.base: float = state.get("base", 0.0)
        self.rows: int = state.get("rows", 0)
        self.since: int | None = state.get("since")  # minute at which a step began that is up
        self.calm: int = state.get("calm", 0)
        self.stretch: float = state.get("stretch", 1.0)  # limits are wider while the use is wilder than learnt
        self.watch_limit = self.lasting_limit = 0.0

    def state(self) -> dict[str, Any]:
        names = ("fast", "middle", "slow", "block", "block_rows", "base", "rows", "since", "calm", "stretch")
        return {**{name: getattr(self, name) for name in names}, "blocks": list(self.blocks)}

    def hour(self, local_hour: int) -> None:
        """A new local hour: limits change with it."""
        self.watch_limit = self.use.step_watch * self.use.step_spread_m3h[local_hour] * self.stretch
        self.lasting_limit = self.use.step_leak * self.use.lasting_spread_m3h[local_hour] * self.stretch

    @property
    def rise(self) -> float:
        """Height of a step that is up, m3/h."""
        return self.middle - self.slow

    def step(self, minute: int, residual: float) -> str:
        """ "" = nothing new, "watch" = a step began, "over" = it ended, "leak" = it lasted and is large."""
        self.fast += FAST * (residual - self.fast)
        self.middle += MIDDLE * (residual - self.middle)
        if self.since is not None:
            return self._lasting(minute)
        self.slow += SLOW * (residual - self.slow)
        self.block += residual
        self.block_rows += 1
        if self.block_rows == BLOCK_ROWS:
            self._new_block()
        if self.fast - self.base > self.watch_limit and self.rows >= WARM_ROWS:
            self.since = minute - REACTION_MIN
            self.calm = 0
            self.middle = self.fast
            return "watch"
        return ""

    def _new_block(self) -> None:
        self.blocks.append(self.block / BLOCK_ROWS)
        self.block, self.block_rows = 0.0, 0
        if len(self.blocks) > BLOCKS:
            del self.blocks[0]
        self.base = sum(self.blocks[:-1]) / max(1, len(self.blocks) - 1)
        self.rows = min(self.rows + BLOCK_ROWS, WARM_ROWS)

    def _lasting(self, minute: int) -> str:
        since = self.since or minute
        rise = self.middle - self.slow
        self.calm = self.calm + 1 if rise < STAYS * self.watch_limit else 0
        if self.calm >= CALM_MIN or minute - since >= GIVE_UP_MIN:
            self.settle(0.0)
            return "over"
        if minute - since >= LASTING_MIN and rise > self.lasting_limit and self.fast - self.slow > STAYS * rise:
            return "leak"
        return ""

    def settle(self, size: float) -> None:
        """The step is explained: the expectation is `size` m3/h higher from now on."""
        self.since = None
        self.calm = 0
        self.fast -= size
        self.middle -= size
        self.slow = self.base = self.middle
        self.blocks = [self.middle] * BLOCKS
        self.block, self.block_rows = 0.0, 0

    def fallen(self, size: float) -> bool:
        """Whether the flow has just stepped down by most of `size` m3/h."""
        fall = self.base - self.fast
        return fall > STAYS * size and fall > self.watch_limit
