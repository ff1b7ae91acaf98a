"""Learning PREDICT's limits: how much the residual's window means vary in an archive."""

from dataclasses import dataclass

import numpy as np

from outliers.learn.day_kinds import Calendar
from outliers.learn.flicker import Texture
from outliers.learn.return_level import Floats, daily_maxima, return_level
from outliers.learn.rolling import by_slot, lagged, running_mean
from outliers.rules import (
    STEP_BASE_BLOCKS,
    STEP_BLOCK_ROWS,
    STEP_CARRY,
    STEP_FAST_ROWS,
    STEP_GUARD,
    STEP_LASTING_MIN,
    STEP_LASTING_ROWS,
    STEP_WINDOWS,
)

# Rows of each window; the first is the fast mean, updated with each row.
WINDOW_ROWS = (STEP_FAST_ROWS, *(blocks * STEP_BLOCK_ROWS for blocks in STEP_WINDOWS))
BASE_ROWS = STEP_BASE_BLOCKS * STEP_BLOCK_ROWS
SCALE_WINDOW = 1  # the window whose spread scales all of them
WATCH_RETURN_DAYS = 30.0  # per window: two false WATCHes a month are the price of reacting within minutes
LEAK_MARGIN, TEXTURED_MARGIN = 1.12, 1.08  # spreads fitted to the archive make it look calmer than the time after it
STRIDE = 3  # rows between two checks of the step


@dataclass(frozen=True, slots=True)
class StepLimits:
    """Spreads by hour of the week, m3/h, and limits as multiples of them, at the archive's mean level."""

    spread_m3h: Floats
    lasting_spread_m3h: Floats
    watch: tuple[float, ...]
    leak: float


def step_limits(
    flow: Floats, usual: Floats, ahead: Floats, calendar: Calendar, return_days: float, *, texture: Texture | None
) -> StepLimits:
    """Learn from cleaned one-minute `flow` (m3/h), its criterion `usual`, and the level `ahead` of each hour."""
    level = np.repeat(ahead, 60)[: len(flow)]
    rows = len(level)
    flow, usual = flow[:rows], usual[:rows]
    slot = calendar.slot_of(np.arange(0, rows, STRIDE))
    per_day = 1440 // STRIDE
    residual = flow - usual * (1.0 + level)
    base = STEP_CARRY * running_mean(residual, BASE_ROWS)
    steps = [(step(residual, base, window) / (1.0 + level))[::STRIDE] for window in WINDOW_ROWS]
    spread_m3h = by_slot(steps[SCALE_WINDOW], slot)
    before = lagged(level, STEP_LASTING_MIN)  # the level is frozen while a step is active
    lasting = running_mean(flow - usual * (1.0 + before), STEP_LASTING_ROWS) - lagged(base, STEP_LASTING_MIN)
    lasting = (lasting / (1.0 + before))[::STRIDE]
    lasting_spread = by_slot(lasting, slot)
    watch = [return_level(daily_maxima(height / spread_m3h[slot], per_day), WATCH_RETURN_DAYS) for height in steps]
    score = lasting / lasting_spread[slot]
    if texture is not None:
        score = _with_texture(score, lasting_spread[slot], texture)
    leak = return_level(daily_maxima(score, per_day), return_days, rank=2)
    margin = LEAK_MARGIN if texture is None else TEXTURED_MARGIN
    return StepLimits(spread_m3h, lasting_spread, tuple(watch), margin * leak)


def _with_texture(score: Floats, spread_m3h: Floats, texture: Texture) -> Floats:
    """Combined score of the step and its texture."""
    size, error = (values[::STRIDE][: len(score)] for values in texture.running(STEP_LASTING_ROWS))
    both = (score / spread_m3h + size / error**2) / np.sqrt(1 / spread_m3h**2 + 1 / error**2)
    both = np.minimum(both, STEP_GUARD * size / error)
    result: Floats = np.where(np.isfinite(both), both, score)
    return result


def step(residual: Floats, base: Floats, rows: int) -> Floats:
    """Mean of the last `rows` minus the part expected from the rows before."""
    height: Floats = running_mean(residual, rows) - lagged(base, rows)
    return height
