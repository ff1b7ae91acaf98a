"""Hourly history on the local wall clock.

Truth is never interpolated: an hour without enough minutes is NaN.

The grid has 24 rows for every day, so that a lag of 24 or 168 rows is the same hour of another day also across summer
time: the hour that autumn repeats is one row (the mean of both), the one that spring leaves out is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from outliers.outage import MOSTLY_FULL, RUNS_EMPTY_MIN, fills_min

Channel = Literal["flow", "pressure", "level"]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

HOUR_MIN = 60
LEAK_MASK_H = 72  # hours of a leak spell that are masked; a longer one is a new normal to be learnt


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One forecast quantity: a channel of a sensor at a site; a table of records is of no site."""

    sensor: str
    channel: Channel
    site: str = ""


class Weather(NamedTuple):
    """The site's weather on the rows of a history and on those of the week after it, NaN where it is not known."""

    temperature: FloatArray  # °C
    rain: FloatArray  # mm/h


@dataclass(frozen=True)
class HourlyHistory:
    """Hourly means `y[series, row]` of one site, NaN where missing; row 0 is the local hour `first` (datetime64[h]).

    `holidays` are the days (since 1970) on which water is used as on a Sunday."""

    first: np.datetime64
    series: tuple[Series, ...]
    y: FloatArray
    holidays: frozenset[int] = frozenset()
    weather: Weather | None = None

    @property
    def rows(self) -> int:
        return int(self.y.shape[1])

    def row(self, local: datetime) -> int:
        """Row number of the hour of a local wall-clock time (its zone is not looked at); may lie outside."""
        return hour_number(local) - int(self.first.astype(int))

    def hour(self, row: int) -> np.datetime64:
        return self.first + np.timedelta64(row, "h")

    def until(self, row: int) -> HourlyHistory:
        """The history as it was known when `row` began: rows before it only; missing where it ended earlier. Weather of
        the week that follows counts as its forecast."""
        rows = max(row, 0)
        weather = self.weather and Weather(*(_cut(part, len(part) - self.rows + rows) for part in self.weather))
        return replace(self, y=_cut(self.y, rows), weather=weather)

    def weekdays(self, first_row: int, rows: int) -> IntArray:
        """Day of the week of `rows` rows from `first_row` on, 0 = Monday. Shape [rows]."""
        return (self._days(first_row, rows) + 3) % 7  # 1970-01-01 was a Thursday

    def are_holidays(self, first_row: int, rows: int) -> BoolArray:
        """Which of `rows` rows from `first_row` on lie on a holiday. Shape [rows]."""
        return np.isin(self._days(first_row, rows), np.array(sorted(self.holidays), dtype=np.int64))

    def _days(self, first_row: int, rows: int) -> IntArray:
        return (int(self.first.astype(int)) + first_row + np.arange(rows)) // 24

    def partner(self) -> IntArray:
        """Index of the other channel of the same sensor, -1 for none. Shape [series]."""
        at = {s: i for i, s in enumerate(self.series)}
        other: dict[str, Channel] = {"flow": "pressure", "pressure": "flow"}
        wanted = [replace(s, channel=other[s.channel]) if s.channel in other else None for s in self.series]
        return np.array([-1 if w is None else at.get(w, -1) for w in wanted], dtype=np.int64)


def _cut(values: FloatArray, rows: int) -> FloatArray:
    """The first rows, missing where there are fewer. [..., rows]"""
    short = np.full((*values.shape[:-1], max(rows - values.shape[-1], 0)), np.nan)
    return np.concatenate([values[..., :rows], short], axis=-1)


def on_the_same_rows(histories: Sequence[HourlyHistory]) -> list[HourlyHistory]:
    """Histories of sites, each on the rows from the first hour of any to the last hour of any.

    A row is the same hour of the wall clock everywhere, not the same moment. Weather is not carried along."""
    starts = [int(history.first.astype(int)) for history in histories]
    first = min(starts, default=0)
    rows = max((start + history.rows for start, history in zip(starts, histories, strict=True)), default=0) - first
    out = []
    for start, history in zip(starts, histories, strict=True):
        y = np.full((len(history.series), rows), np.nan)
        begin = start - first
        y[:, begin : begin + history.rows] = history.y
        out.append(replace(history, first=np.datetime64(first, "h"), y=y, weather=None))
    return out


def start_of_hour(time: datetime, zone: ZoneInfo) -> datetime:
    """The start of the local hour that holds an aware time."""
    return time.astimezone(zone).replace(minute=0, second=0, microsecond=0)  # keeps which of autumn's two hours it is


def hour_number(local: datetime) -> int:
    """Hours since 1970 on the wall clock of a local time."""
    return int(np.datetime64(local.replace(tzinfo=None)).astype("datetime64[h]").astype(int))


def unmask_long_leaks(leak: BoolArray, longest_h: int = LEAK_MASK_H) -> BoolArray:
    """Which hours of leak spells stay masked: the first `longest_h` of each spell. Shape [rows]."""
    rows = np.arange(len(leak))
    last_clear = np.maximum.accumulate(np.where(leak, -1, rows))
    return leak & (rows - last_clear <= longest_h)


def hours_of_outages(dry: IntArray) -> BoolArray:
    """Which hours are none of usual use, given the minutes without water in each: from the hour in which the pipes run
    empty until most of the tanks are full again. Shape [rows]."""
    out = np.zeros(len(dry), dtype=np.bool_)
    first, minutes, filled = 0, 0, -1
    for row in np.flatnonzero(dry).tolist():
        if row > filled:
            first, minutes = row, 0
        minutes += int(dry[row])
        filled = row + math.ceil(MOSTLY_FULL * fills_min(minutes) / HOUR_MIN)
        if filled > row:
            out[max(first - RUNS_EMPTY_MIN // HOUR_MIN, 0) : filled + 1] = True
    return out
