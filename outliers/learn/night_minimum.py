"""NIGHT's reference and limits from an archive of nights."""

import numpy as np

from outliers.criteria import NightUse
from outliers.learn.day_kinds import Calendar
from outliers.learn.return_level import Floats, spread

START_MIN, END_MIN = 90, 300  # 01:30 to 05:00 local, as the detector's window
BLOCK_MIN, BLOCKS = 10, 6
LEAST_ROWS = 45  # good rows of an hour that counts
KEPT, HELD_BACK, LEAST_NIGHTS = 24, 3, 7
JUMP_SCORE = 3.2  # a normal night passes it about once in two years
CREEP_DRIFT, CUT = 0.4, 3.0
LEAST_CREEP, MOST_CREEP = 4.0, 8.0


def night_minima(flow: Floats, calendar: Calendar) -> Floats:
    """The minimum rolling hour of each local night, m3/h, oldest first; NaN = too few rows. `flow` from a full hour."""
    blocks = flow.reshape(-1, BLOCK_MIN)
    rows = np.isfinite(blocks).sum(axis=1)
    sums = np.where(np.isfinite(blocks), blocks, 0.0).sum(axis=1)
    minute = calendar.local[::BLOCK_MIN]
    day, of_day = minute // 1440, minute % 1440
    first, last = int(day.min()), int(day.max())
    minima = np.full(last - first + 1, np.nan)
    for number in range(first, last + 1):
        inside = (day == number) & (of_day >= START_MIN) & (of_day < END_MIN)
        if inside.sum() < BLOCKS:
            continue
        counts = np.convolve(rows[inside], np.ones(BLOCKS), "valid")
        totals = np.convolve(sums[inside], np.ones(BLOCKS), "valid")
        if counts.max() >= LEAST_ROWS:
            minima[number - first] = (totals[counts >= LEAST_ROWS] / counts[counts >= LEAST_ROWS]).min()
    return minima


def night_use(flow: Floats, calendar: Calendar) -> NightUse | None:
    """None with too few nights."""
    minima = night_minima(flow, calendar)
    nights = minima[np.isfinite(minima)]
    if len(nights) < 2 * KEPT:
        return None
    away = []
    for place in range(LEAST_NIGHTS + HELD_BACK, len(nights)):
        earlier = nights[max(0, place - KEPT - HELD_BACK) : place - HELD_BACK]
        away.append(nights[place] - np.median(earlier))
    distance = np.array(away)
    width = max(spread(distance), 1e-6)
    total, peaks = 0.0, []
    for score in distance / width:
        total = max(0.0, total + float(np.clip(score, -CUT, CUT)) - CREEP_DRIFT)
        peaks.append(total)
    creep = float(np.clip(1.1 * np.quantile(peaks, 0.98), LEAST_CREEP, MOST_CREEP))
    recent = tuple(map(float, nights[-KEPT - HELD_BACK :]))
    return NightUse(recent_m3h=recent, spread_m3h=width, jump=JUMP_SCORE, creep=creep)
