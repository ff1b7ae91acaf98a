"""NIGHT's reference and limits from an archive of nights."""

import numpy as np

from outliers.criteria import NightUse
from outliers.learn.day_kinds import Calendar
from outliers.learn.return_level import Floats, spread
from outliers.rules import (
    CREEP_CUT,
    CREEP_DRIFT,
    LEAST_NIGHTS,
    NIGHT_BLOCK_MIN,
    NIGHT_BLOCKS,
    NIGHT_END_MIN,
    NIGHT_HOUR_ROWS,
    NIGHT_START_MIN,
    NIGHTS_HELD_BACK,
    NIGHTS_KEPT,
)

JUMP_SCORE = 3.2  # a normal night exceeds it about once in two years
LEAST_CREEP, MOST_CREEP = 4.0, 8.0


def night_minima(flow: Floats, calendar: Calendar) -> Floats:
    """The minimum rolling hour of each local night, m3/h, oldest first; NaN = too few rows. `flow` starts at a full
    hour."""
    blocks = flow.reshape(-1, NIGHT_BLOCK_MIN)
    rows = np.isfinite(blocks).sum(axis=1)
    sums = np.where(np.isfinite(blocks), blocks, 0.0).sum(axis=1)
    minute = calendar.local[::NIGHT_BLOCK_MIN]
    day, of_day = minute // 1440, minute % 1440
    first, last = int(day.min()), int(day.max())
    minima = np.full(last - first + 1, np.nan)
    for number in range(first, last + 1):
        inside = (day == number) & (of_day >= NIGHT_START_MIN) & (of_day < NIGHT_END_MIN)
        if inside.sum() < NIGHT_BLOCKS:
            continue
        counts = np.convolve(rows[inside], np.ones(NIGHT_BLOCKS), "valid")
        totals = np.convolve(sums[inside], np.ones(NIGHT_BLOCKS), "valid")
        if counts.max() >= NIGHT_HOUR_ROWS:
            minima[number - first] = (totals[counts >= NIGHT_HOUR_ROWS] / counts[counts >= NIGHT_HOUR_ROWS]).min()
    return minima


def night_use(flow: Floats, calendar: Calendar) -> NightUse | None:
    """NIGHT's criteria; None with too few nights."""
    minima = night_minima(flow, calendar)
    nights = minima[np.isfinite(minima)]
    if len(nights) < 2 * NIGHTS_KEPT:
        return None
    away = []
    for place in range(LEAST_NIGHTS + NIGHTS_HELD_BACK, len(nights)):
        earlier = nights[max(0, place - NIGHTS_KEPT - NIGHTS_HELD_BACK) : place - NIGHTS_HELD_BACK]
        away.append(nights[place] - np.median(earlier))
    distance = np.array(away)
    width = max(spread(distance), 1e-6)
    creep = float(np.clip(1.1 * np.quantile(creeps(distance / width), 0.98), LEAST_CREEP, MOST_CREEP))
    recent = tuple(map(float, nights[-NIGHTS_KEPT - NIGHTS_HELD_BACK :]))
    return NightUse(recent_m3h=recent, spread_m3h=width, jump=JUMP_SCORE, creep=creep)


def creeps(scores: Floats) -> list[float]:
    """The sum of scores (CUSUM) after each night."""
    total, sums = 0.0, []
    for score in scores:
        total = max(0.0, total + float(np.clip(score, -CREEP_CUT, CREEP_CUT)) - CREEP_DRIFT)
        sums.append(total)
    return sums
