"""PREDICT: has the flow stepped up against the forecast, minutes ago, and has it stayed up?

The residual is the flow less its forecast: the forecast of the running hour where there is one, else the criterion
times the level that the last hours had. A step is a mean of its last rows less what the rows before them let expect;
it is looked for over windows of 5 to 35 minutes, since a small step needs more rows than a large one, and judged in
spreads of this hour of the week. A step over a limit is a WATCH. From then on what was expected and the level stand
still, and if the residual is still up after an hour it is a LEAK: flushing and other planned use is over by then.
"""

import math
from dataclasses import dataclass
from typing import Any

from outliers.criteria import FlowUse
from outliers.rules import STEP_BASE_BLOCKS as BASE_BLOCKS
from outliers.rules import STEP_BLOCK_ROWS as BLOCK_ROWS
from outliers.rules import STEP_CARRY as CARRY
from outliers.rules import STEP_FAST_ROWS, exponential_weight
from outliers.rules import STEP_LASTING_MIN as LASTING_MIN
from outliers.rules import STEP_LASTING_ROWS as LASTING_ROWS
from outliers.rules import STEP_WINDOWS as WINDOWS

FAST = exponential_weight(STEP_FAST_ROWS)
KEPT_BLOCKS = WINDOWS[-1] + BASE_BLOCKS
REACTION_MIN = 3  # the step began about so long before the fast mean passed the limit
CALM_MIN = 20  # below half the limit for so long = over
GIVE_UP_MIN = 150  # not over, not large enough for a LEAK: VALUE judges it from here on
LEAST_RATIO = 0.5  # of the level's ratio: limits do not follow the flow further down
STAYS = 0.5  # share of a limit below which a step counts as gone


@dataclass(frozen=True, slots=True)
class HourForecast:
    """The forecast of the running hour's mean, made at its start; None where the forecaster has none."""

    flow_m3h: float | None
    pressure_bar: float | None = None


class StepWatch:
    """Follows the residual of one sensor's flow (m3/h), one good row at a time.

    `base` is what the residual would be without a step: of the fast mean while nothing is up, then of the step.
    """

    def __init__(self, use: FlowUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.fast: float = state.get("fast", 0.0)
        self.blocks: list[float] = list(state.get("blocks", []))  # means of BLOCK_ROWS rows, oldest first
        self.block: float = state.get("block", 0.0)
        self.block_rows: int = state.get("block_rows", 0)
        self.base: float = state.get("base", 0.0)
        self.since: int | None = state.get("since")  # minute at which a step began that is up
        self.lasting: float = state.get("lasting", 0.0)  # mean of the step's last rows
        self.lasting_rows: int = state.get("lasting_rows", 0)
        self.passed: float = state.get("passed", 0.0)  # the limit that the step has passed
        self.calm: int = state.get("calm", 0)
        self.stretch: float = state.get("stretch", 1.0)  # limits are wider while the use is wilder than learnt
        self.watch_limit = self.lasting_spread = 0.0
        self.window_limits = [0.0] * len(WINDOWS)

    def state(self) -> dict[str, Any]:
        names = ("fast", "block", "block_rows", "base", "since", "lasting", "lasting_rows", "passed", "calm", "stretch")
        return {**{name: getattr(self, name) for name in names}, "blocks": list(self.blocks)}

    def limits(self, slot: int, ratio: float) -> None:
        """The limits of an hour of the week at a level: what strays goes with the flow itself."""
        scale = max(LEAST_RATIO, ratio) * self.stretch
        spread = self.use.step_spread_m3h[slot] * scale
        self.watch_limit, *self.window_limits = [limit * spread for limit in self.use.step_watch]
        self.lasting_spread = self.use.lasting_spread_m3h[slot] * scale

    @property
    def rise(self) -> float:
        """Height of a step that is up, m3/h."""
        return self.lasting - self.base

    def step(self, minute: int, residual: float) -> str:
        """ "" = nothing new, "watch" = a step began, "over" = it ended, "lasts" = it is no flushing."""
        self.fast += FAST * (residual - self.fast)
        if self.since is not None:
            return self._lasting(minute, residual)
        if self.fast - self.base > self.watch_limit and len(self.blocks) == KEPT_BLOCKS:
            return self._begins(minute - REACTION_MIN, self.fast, self.base, self.watch_limit)
        self.block += residual
        self.block_rows += 1
        if self.block_rows == BLOCK_ROWS:
            return self._new_block(minute)
        return ""

    def _new_block(self, minute: int) -> str:
        blocks = self.blocks
        blocks.append(self.block / BLOCK_ROWS)
        self.block, self.block_rows = 0.0, 0
        if len(blocks) > KEPT_BLOCKS:
            del blocks[0]
        self.base = CARRY * sum(blocks[-1 - BASE_BLOCKS : -1]) / BASE_BLOCKS
        if len(blocks) < KEPT_BLOCKS:
            return ""
        for window, limit in zip(WINDOWS, self.window_limits, strict=True):
            recent = sum(blocks[-window:]) / window
            base = CARRY * sum(blocks[-window - BASE_BLOCKS : -window]) / BASE_BLOCKS
            if recent - base > limit:
                return self._begins(minute - (window - 1) * BLOCK_ROWS, recent, base, limit)
        return ""

    def _begins(self, since: int, mean: float, base: float, limit: float) -> str:
        self.since, self.base, self.passed = since, base, limit
        self.lasting, self.lasting_rows = mean, BLOCK_ROWS
        self.calm = 0
        return "watch"

    def _lasting(self, minute: int, residual: float) -> str:
        since = self.since or minute
        self.lasting_rows = min(self.lasting_rows + 1, LASTING_ROWS)
        self.lasting += (residual - self.lasting) / self.lasting_rows
        rise = self.lasting - self.base
        self.calm = self.calm + 1 if self.fast - self.base < STAYS * self.passed else 0
        if self.calm >= CALM_MIN or minute - since >= GIVE_UP_MIN:
            self.settle(0.0)
            return "over"
        return "lasts" if minute - since >= LASTING_MIN and self.fast - self.base > STAYS * rise > 0.0 else ""

    def error(self, minute: int) -> float:
        """Of the step that is up, m3/h: what was expected before it says less and less."""
        return self.lasting_spread * math.sqrt(max(1.0, (minute - (self.since or minute)) / LASTING_MIN))

    def settle(self, size: float) -> None:
        """The step is explained: the expectation is `size` m3/h higher from now on."""
        level = (self.lasting if self.since is not None else self.fast) - size
        self.since = None
        self.calm = 0
        self.fast = level
        self.base = CARRY * level
        self.blocks = [level] * KEPT_BLOCKS
        self.block, self.block_rows = 0.0, 0

    def fallen(self, size: float) -> bool:
        """Whether the flow has just stepped down by most of `size` m3/h."""
        fall = self.base - self.fast
        return fall > STAYS * size and fall > self.watch_limit
