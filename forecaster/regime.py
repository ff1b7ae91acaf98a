"""A sensor that was replaced, a district that was re-zoned: the level jumps and stays. What is older is moved along.

Without this the base, a mean over four weeks, would be wrong for four weeks. Jumps that the model can follow by itself
(its inputs reach to 8 scales) are left to it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecaster.baseline import DAY, mean_of_weeks, scale_of
from forecaster.dataset import BoolArray, FloatArray, History

WATCH_H = 72  # the stretch that is judged
LEAST_H = 48  # hours of it that must be there: a burst main is mended sooner, a new meter stays
JUMP = 4.0  # scales that the middle of these hours must be off by
ONE_SIDED = 0.9  # share of these hours off to the same side
LOOK_BACK_H = 28 * DAY  # after that the base has forgotten the old level


def recovered(history: History) -> History:
    """The history with the rows before a lasting jump moved to the new level; unchanged where there was none."""
    if history.rows < LOOK_BACK_H:
        return history
    scale = scale_of(history.y[:, :-WATCH_H])  # as it was before the jump, or nearly so
    base = mean_of_weeks(history.y).level[:, : history.rows]
    off = history.y - base
    y = history.y
    for line in np.flatnonzero(_jumped(off[:, -WATCH_H:], scale)):
        y = y.copy() if y is history.y else y
        start = _start(off[line], scale[line])
        y[line, :start] = _moved(history.y[line], base[line], start, history.series[line].channel == "flow")
    return replace(history, y=y) if y is not history.y else history


def _jumped(off: FloatArray, scale: FloatArray) -> BoolArray:
    seen = np.isfinite(off).sum(1)
    above = (off > 0).sum(1)
    side = np.maximum(above, seen - above) >= ONE_SIDED * np.maximum(seen, 1)
    middle = np.array([np.median(line[np.isfinite(line)]) if np.isfinite(line).any() else 0.0 for line in off])
    limit = JUMP * np.where(np.isfinite(scale), scale, np.inf)
    jumped: BoolArray = (seen >= LEAST_H) & side & (np.abs(middle) > limit)
    return jumped


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
