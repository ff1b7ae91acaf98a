"""NIGHT's reference and limits from an archive of nights."""

from collections.abc import Sequence

import numpy as np

from common.night import DAY_MINUTES, WINDOW_MINUTES, ReportHours, lowest_hour
from outliers.criteria import NightUse
from outliers.learn.day_kinds import Calendar
from outliers.learn.return_level import Floats, spread
from outliers.night_reference import night_reference, night_spread
from outliers.rules import (
    CREEP_CUT,
    CREEP_DRIFT,
    NIGHTS_HELD_BACK,
    NIGHTS_KEPT,
)

JUMP_SCORE = 3.2  # a normal night exceeds it about once in two years
LEAST_CREEP, MOST_CREEP = 4.0, 8.0


def night_minima(flow: Floats, calendar: Calendar, hours: ReportHours) -> list[tuple[int, float]]:
    """The kind of day after each local night that has a minimum, and that minimum, m3/h, oldest first.

    `flow` begins with a full hour.
    """
    windows = np.append(flow[1:], np.nan).reshape(-1, WINDOW_MINUTES)  # a window ends with a tenth minute
    counts = np.isfinite(windows).sum(axis=1)
    sums = np.nansum(windows, axis=1)
    since = calendar.local[1::WINDOW_MINUTES] - 1 - hours.start
    nights: dict[int, dict[int, tuple[float, int]]] = {}
    for place in np.flatnonzero((since % DAY_MINUTES < hours.minutes) & (counts > 0)):
        nights.setdefault(int(since[place] // DAY_MINUTES), {})[int(place)] = (float(sums[place]), int(counts[place]))
    found = []
    for night in sorted(nights):
        lowest = lowest_hour(nights[night])
        if lowest is not None:
            kind = int(calendar.kind[max(nights[night]) * WINDOW_MINUTES])
            found.append((kind, lowest.flow_m3h))
    return found


def night_use(flow: Floats, calendar: Calendar, hours: ReportHours) -> NightUse | None:
    """None with too few nights."""
    dated = night_minima(flow, calendar, hours)
    nights = [night for _, night in dated]
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
    weekday = weekday_m3h([kind for kind, _ in dated], np.array(nights))
    even = np.array([night - weekday[kind] for kind, night in dated])
    change = night_spread(np.abs(np.diff(even)).tolist())
    return NightUse(recent, width, JUMP_SCORE, creep, *hours, weekday_m3h=weekday, change_m3h=change)


def weekday_m3h(kinds: Sequence[int], nights: Floats) -> tuple[float, ...]:
    """What the nights before each day of the week are higher by than the median of the week around them."""
    around = np.array([np.median(nights[max(0, place - 3) : place + 4]) for place in range(len(nights))])
    away, of = nights - around, np.array(kinds)
    higher = np.array([np.median(away[of == kind]) if np.any(of == kind) else 0.0 for kind in range(7)])
    return tuple(map(float, higher - higher.mean()))


def creeps(scores: Floats) -> list[float]:
    """The sum of scores (CUSUM) after each night."""
    total, sums = 0.0, []
    for score in scores:
        total = max(0.0, total + float(np.clip(score, -CREEP_CUT, CREEP_CUT)) - CREEP_DRIFT)
        sums.append(total)
    return sums
