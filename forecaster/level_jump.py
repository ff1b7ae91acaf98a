"""A sensor that was replaced, a district that was re-zoned: the level jumps and stays. What is older is moved along.

Without this the base, a mean over four weeks, would be wrong for four weeks. Jumps that the model can follow by itself
(its inputs reach to 8 scales) are left to it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecaster.dataset import BoolArray, FloatArray, HourlyHistory
from forecaster.fallback import DAY, REACH_WEEKS, WEEK, mean_of_weeks, scale_of

WATCH_H = 72  # the stretch that is judged
LEAST_H = 48  # hours of it that must be there: a burst main is mended sooner, a new meter stays
JUMP = 4.0  # scales that the middle of these hours must be off by
ONE_SIDED = 0.9  # share of these hours off to the same side
LOOK_BACK_H = 28 * DAY  # after that the base has forgotten the old level


def recovered(history: HourlyHistory) -> HourlyHistory:
    """The history with the rows before a lasting jump moved to the new level; unchanged where there was none."""
    if history.rows < LOOK_BACK_H:
        return history
    y = history.y
    for line in np.flatnonzero(_one_sided(_off_lately(history))):
        own = history.y[line]
        scale = float(scale_of(own[None, :-WATCH_H])[0])  # as it was before; NaN with too little history
        base = mean_of_weeks(own[None]).level[0, : history.rows]
        if np.abs(np.nanmedian((own - base)[-WATCH_H:])) > JUMP * scale:
            start = _start(own - base, scale)
            y = y.copy() if y is history.y else y
            y[line, :start] = _moved(own, base, start, history.series[line].channel == "flow")
    return replace(history, y=y) if y is not history.y else history


def _off_lately(history: HourlyHistory) -> FloatArray:
    lately = history.y[:, -(WATCH_H + REACH_WEEKS * WEEK) :]
    return lately[:, -WATCH_H:] - mean_of_weeks(lately).level[:, : lately.shape[1]][:, -WATCH_H:]


def _one_sided(off: FloatArray) -> BoolArray:
    """Which lines have hours enough, nearly all of them off to one side. `off[series, hour]`"""
    seen = np.isfinite(off).sum(1)
    above = (off > 0).sum(1)
    side = np.maximum(above, seen - above) >= ONE_SIDED * np.maximum(seen, 1)
    sure: BoolArray = (seen >= LEAST_H) & side
    return sure


def _start(off: FloatArray, scale: float) -> int:
    """First row of the stretch, up to the end, whose days are off by more than half a jump to the same side."""
    rows = len(off)
    sign = np.sign(np.nanmedian(off[-WATCH_H:]))
    start = rows - WATCH_H
    for end in range(start, rows - LOOK_BACK_H, -6):
        day = sign * off[end - DAY : end]
        day = day[np.isfinite(day)]
        if len(day) and np.median(day) < JUMP / 2 * scale:
            break
        start = end - DAY
    hours = sign * off[start : start + DAY] > JUMP / 2 * scale
    return start + (int(np.argmax(hours)) if hours.any() else 0)


def _moved(y: FloatArray, base: FloatArray, start: int, by_ratio: bool) -> FloatArray:
    """The old rows at the new level: a flow times a ratio, anything else plus a difference."""
    both = np.isfinite(y[start:]) & np.isfinite(base[start:])
    now, then = y[start:][both], base[start:][both]
    if by_ratio and np.median(then) > 0 and np.median(now) > 0:
        return y[:start] * float(np.sum(now) / np.sum(then))
    return y[:start] + float(np.median(now - then))
