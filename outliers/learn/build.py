"""Criteria from history: the same function for the first build, each rebuild, the preview and the backtest.

`build` takes one row per minute without gaps (NaN = no value, or a flagged row) and returns new `Criteria`. All limits
are learnt from the site's own archive, as return levels instead of constants.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from common.errors import HistoryTooShort
from common.night import DEFAULT_HOURS, ReportHours
from common.settings import DEFAULT_ALARMS_PER_MONTH
from outliers.criteria import Criteria
from outliers.learn.day_kinds import Calendar
from outliers.learn.flow import flow_use
from outliers.learn.gate import channel_limits, cleaned
from outliers.learn.meter_scale import scale_use
from outliers.learn.night_minimum import night_use
from outliers.learn.pressure import pressure_use
from outliers.learn.return_level import Floats
from outliers.logger_use import LoggerUse

WINDOW_DAYS = 182  # half a year: long enough for 26 Mondays, short enough to follow the season's shape
LEAST_WEEKS = 8.0  # of good rows; with fewer, a profile by day of week is noise


@dataclass(frozen=True, slots=True)
class History:
    """One sensor's rows from UTC minute `first` on: `flow` m3/h and `pressure` bar, NaN = not usable."""

    first: int
    flow: Floats
    pressure: Floats

    def span(self, first: int, last: int) -> "History":
        """The part from minute `first` to before `last`."""
        part = slice(max(0, first - self.first), max(0, last - self.first))
        return History(max(first, self.first), self.flow[part], self.pressure[part])


def build(
    history: History,
    zone: ZoneInfo,
    prior: Criteria,
    holidays: Collection[date] = (),
    *,
    alarms_per_month: float = DEFAULT_ALARMS_PER_MONTH,
    hours: ReportHours = DEFAULT_HOURS,
) -> Criteria:
    """New criteria of `prior.sensor` from at most the last `WINDOW_DAYS` of `history`.

    `prior` gives the physical limits. `alarms_per_month` is the operator's setting: fewer alarms come
    later. `hours` contain a night's minimum.

    Raises:
        CriteriaUnusable: less than eight weeks of good flow rows.
    """
    history = _window(history)
    _enough(prior.sensor, history.flow)
    calendar = Calendar.of(history.first, len(history.flow), zone, holidays)
    flow_limits = channel_limits(history.flow, prior.flow, floor_share=0.35, rooted=True)
    pressure_limits = channel_limits(history.pressure, prior.pressure, floor_share=0.25, rooted=False)
    flow = cleaned(history.flow, flow_limits)
    pressure = cleaned(history.pressure, pressure_limits)
    weeks = _enough(prior.sensor, flow)
    return_days = 30.4 / alarms_per_month
    use = flow_use(flow, pressure, calendar, return_days)
    night = night_use(flow, calendar, hours)
    pressures = pressure_use(flow, pressure, use, calendar)
    start, end = _day(history.first, zone), _day(history.first + len(history.flow) - 1, zone)
    return replace(
        prior,
        first=start,
        last=end,
        clean_weeks=round(weeks, 2),
        flow=flow_limits,
        pressure=pressure_limits,
        use=use,
        night=night,
        pressure_use=pressures,
        scale=scale_use(flow, pressure, use.mean_m3h) if pressures is not None else None,
        alarms_per_month=alarms_per_month,
    )


def build_of_pressure(history: History, zone: ZoneInfo, prior: Criteria, logger: LoggerUse) -> Criteria:
    """New criteria of a logger that measures no flow, or too little of it."""
    history = _window(history)
    limits = channel_limits(history.pressure, prior.pressure, floor_share=0.25, rooted=False)
    weeks = float(np.isfinite(cleaned(history.pressure, limits)).sum()) / 10080
    start, end = _day(history.first, zone), _day(history.first + len(history.pressure) - 1, zone)
    return replace(prior, first=start, last=end, clean_weeks=round(weeks, 2), pressure=limits, logger=logger)


def _enough(sensor: str, flow: Floats) -> float:
    """Weeks of good rows."""
    weeks = float(np.isfinite(flow).sum()) / 10080
    if weeks < LEAST_WEEKS:
        needed = f"{LEAST_WEEKS:g} are needed, of rows of one minute"
        raise HistoryTooShort(f"only {weeks:.1f} clean weeks of flow for {sensor}, {needed}")
    return weeks


def _window(history: History) -> History:
    """The last `WINDOW_DAYS` with rows, in whole hours."""
    rows = np.flatnonzero(np.isfinite(history.flow) | np.isfinite(history.pressure))
    if not len(rows):
        return history.span(0, 0)
    end = history.first + int(rows[-1]) + 1
    first = max(history.first + int(rows[0]), end - WINDOW_DAYS * 1440)
    return history.span(-(-first // 60) * 60, end // 60 * 60)


def _day(minute: int, zone: ZoneInfo) -> str:
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(zone).date())
