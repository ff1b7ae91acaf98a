"""The usual flow and pressure of a sensor for the charts, from its criteria for the day of week and the hour.

They are scaled to the level of the week before. The detector's expectation also follows the day and the forecast, so
the two may differ by a few per cent.
"""

import statistics
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from common.errors import CriteriaUnusable
from common.point import Point
from outliers import criteria
from outliers.criteria import QUARTERS, Criteria, FlowUse
from outliers.rules import HEADLOSS, SUNDAY
from server import queries

LEVEL_DAYS = timedelta(days=7)
QUARTER = timedelta(minutes=15)
QUARTER_S = 900
LEAST_LEVEL_POINTS = 48  # half a day; with fewer no level is computed


class Days(NamedTuple):
    """The site's zone, and the days that count as Sundays."""

    zone: ZoneInfo
    holidays: frozenset[date]

    def place(self, second: int) -> tuple[int, int]:
        """Day of the week, and quarter of an hour of the day, of a UTC second."""
        local = datetime.fromtimestamp(second, self.zone)
        day = SUNDAY if local.date() in self.holidays else local.weekday()
        return day, (local.hour * 60 + local.minute) * QUARTERS // 1440


def usual(
    cursor: psycopg.Cursor[Any],
    folder: Path,
    point: Point,
    days: Days,
    times: tuple[datetime, datetime, datetime],
) -> dict[str, Any]:
    """Flow (m3/h) and pressure (bar) at every quarter of an hour as parallel lists; empty without criteria.

    Args:
        folder: the folder of the criteria.
        times: the level comes from the week before the first; the lists go from the second to the third.
    """
    begins, start, end = times
    found = _criteria(folder, point.sensor)
    if found is None or found.use is None:
        return {"at": [], "flow": [], "pressure": [], "version": None}
    level = _level(queries.series(cursor, point, begins - LEVEL_DAYS, begins, QUARTER), found.use, days)
    at = list(range(int(start.timestamp()) // QUARTER_S * QUARTER_S, int(end.timestamp()) + QUARTER_S, QUARTER_S))
    flow = [level * _profile(found.use, days.place(second)) for second in at]
    return {
        "at": at,
        "flow": [round(value, 3) for value in flow],
        "pressure": [_pressure(found, days.place(second)[1], value) for second, value in zip(at, flow, strict=True)],
        "version": found.version,
    }


def _criteria(folder: Path, sensor: str) -> Criteria | None:
    try:
        return criteria.load(folder, sensor)
    except CriteriaUnusable:
        return None


def _level(week: dict[str, Any], use: FlowUse, days: Days) -> float:
    """The week's flow relative to the criteria; with too little data, the level at the criteria's end."""
    pairs = zip(week["at"], week["flow"], strict=True)
    ratios = [flow / _profile(use, days.place(at)) for at, flow in pairs if flow is not None]
    return statistics.median(ratios) if len(ratios) >= LEAST_LEVEL_POINTS else 1.0 + use.level


def _profile(use: FlowUse, place: tuple[int, int]) -> float:
    day, quarter = place
    return use.profile_m3h[day][quarter]


def _pressure(found: Criteria, quarter: int, flow_m3h: float) -> float | None:
    use = found.pressure_use
    if use is None or found.use is None:
        return None
    cost: float = (max(flow_m3h, 0.0) / found.use.mean_m3h) ** HEADLOSS
    return round(use.still_bar[quarter] + use.slope_bar * cost + use.level_bar, 3)
