"""NIGHT's reference and limits from an archive of nights."""

import numpy as np

from common.night import DAY_MINUTES, WINDOW_MINUTES, ReportHours, lowest_hour
from outliers.criteria import NightUse
from outliers.learn.day_kinds import Calendar
from outliers.learn.return_level import Floats, spread
from outliers.night_reference import night_reference
from outliers.rules import (
    CREEP_CUT,
    CREEP_DRIFT,
    NIGHTS_HELD_BACK,
    NIGHTS_KEPT,
)

JUMP_SCORE = 3.2  # a normal night exceeds it about once in two years
LEAST_CREEP, MOST_CREEP = 4.0, 8.0


def night_minima(flow: Floats, calendar: Calendar, hours: ReportHours) -> list[float]:
    """The minimum of each local night that has one, m3/h, oldest first. `flow` from a full hour."""
    windows = np.append(flow[1:], np.nan).reshape(-1, WINDOW_MINUTES)  # a window ends with a tenth minute
    counts = np.isfinite(windows).sum(axis=1)
    sums = np.nansum(windows, axis=1)
    since = calendar.local[1::WINDOW_MINUTES] - 1 - hours.start
    nights: dict[int, dict[int, tuple[float, int]]] = {}
    for place in np.flatnonzero((since % DAY_MINUTES < hours.minutes) & (counts > 0)):
        nights.setdefault(int(since[place] // DAY_MINUTES), {})[int(place)] = (float(sums[place]), int(counts[place]))
    lowest = [lowest_hour(nights[night]) for night in sorted(nights)]
    return [hour.flow_m3h for hour in lowest if hour is not None]


def night_use(flow: Floats, calendar: Calendar, hours: ReportHours) -> NightUse | None:
    """None with too few nights."""
    nights = night_minima(flow, calendar, hours)
    if len(nights) < 2 * NIGHTS_KEPT:
        return None
    away = []
    for place, night in enumerate(nights):
        reference = night_reference(nights[:place])
        if reference is not None:
            away.append(night - reference)
    distance = np.array(away)
    width = max(spread(distance), 1e-6)
    creep = float(np.clip(1.1 * np.quantile(creeps(distance / width), 0.98), LEAST_CREEP, MOST_CREEP))
    recent = tuple(nights[-NIGHTS_KEPT - NIGHTS_HELD_BACK :])
    return NightUse(recent, width, JUMP_SCORE, creep, *hours)


def creeps(scores: Floats) -> list[float]:
    """The sum of scores (CUSUM) after each night."""
    total, sums = 0.0, []
    for score in scores:
        total = max(0.0, total + float(np.clip(score, -CREEP_CUT, CREEP_CUT)) - CREEP_DRIFT)
        sums.append(total)
    return sums
