"""The base that the model corrects: the usual value of an hour, from every week that is there.

A mean of four weeks carries half of an hour's own noise (1/sqrt(4)); at one hour ahead that is most of what a good
model has left as error. So the level, which moves, is taken from four weeks, and the shape of the week about it, which
hardly moves, from many more with weights that fade. Everything is known a week (168 rows) ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from forecaster.dataset import FloatArray, HourlyHistory, IntArray
from forecaster.fallback import BASE_WEEKS, DAY, WEEK, mean_of_weeks

Numbers = TypeVar("Numbers", FloatArray, npt.NDArray[np.int32])

FADE = 0.9  # weight of a week against the one after it: ten weeks count
FADE_SLOW = 0.97  # the same for the slow shape: half a year counts
FADE_POOL = 0.97  # weight of a day against the next of its type (workday, Saturday, Sunday): six weeks count
WINSOR = 4.0  # scales from the plain base beyond which an hour is a burst or a fault and counts as this
LEAST_LEVEL_H = 84  # hours of a week that its level needs
SUNDAY = 6  # a holiday is like one
ALTERNATIVES = 3  # other bases beside the one that counts: plain mean of weeks, slow shape, shape of the day's type


@dataclass(frozen=True)
class Base:
    """`level` [S, rows + WEEK] the base; `spread` the deviation of the last four weeks, `weeks` how many there were;
    `others` [ALTERNATIVES, S, rows + WEEK] minus the base, 0 where there is none."""

    level: FloatArray
    spread: FloatArray
    weeks: FloatArray
    others: FloatArray


def base_of(history: HourlyHistory, scale: FloatArray, skip: int = 0) -> Base:
    """The base of each series from row `skip` on; `scale[series]` is what an ordinary error is measured in."""
    rows = history.rows
    holiday = history.are_holidays(0, rows + WEEK)
    weekday = np.where(holiday, SUNDAY, history.weekdays(0, rows + WEEK))
    working = np.where(holiday[:rows], np.nan, history.y)  # a holiday says nothing about other Thursdays
    plain = mean_of_weeks(working, skip)
    unit = np.where(np.isfinite(scale), scale, np.inf)[:, None]
    near = plain.level[:, :rows]
    calm = np.where(np.isfinite(near), near + np.clip(history.y - near, -WINSOR * unit, WINSOR * unit), history.y)
    level = _trailing_mean(calm)
    shape = calm - level
    before = _level_before(level)[:, skip:]
    usual = np.where(holiday[:rows], np.nan, shape)
    fast, slow = (before + _faded(usual, fade, skip) for fade in (FADE, FADE_SLOW))
    into_day = int(history.first.astype("datetime64[h]").astype(np.int64)) % DAY
    pooled = before + _pooled(shape, weekday, into_day, skip)
    mean = plain.level[:, skip:]
    chosen = np.where(np.isfinite(fast), fast, mean)
    chosen = np.where(holiday[skip:] & np.isfinite(pooled), pooled, chosen)
    others = np.stack([mean, slow, pooled]) - chosen
    return Base(chosen, plain.spread, plain.weeks, np.where(np.isfinite(others), others, 0.0))


def _trailing_mean(y: FloatArray) -> FloatArray:
    """Mean of the week that ends with each row, NaN with less than half of it. [S, R]"""
    seen = np.isfinite(y)
    total, count = _of_last_week(np.where(seen, y, 0.0)), _of_last_week(seen.astype(np.int32))
    mean = np.full_like(total, np.nan)
    np.divide(total, count, out=mean, where=count >= LEAST_LEVEL_H)
    return mean


def _of_last_week(values: Numbers) -> Numbers:
    """Sum of the week that ends with each row. [S, R]"""
    so_far = values.cumsum(1, dtype=values.dtype)
    total = so_far.copy()
    total[:, WEEK:] -= so_far[:, :-WEEK]
    return total


def _level_before(level: FloatArray) -> FloatArray:
    """Mean of the levels one to four weeks before each row. [S, R + WEEK]"""
    series, rows = level.shape
    seen = np.isfinite(level)
    value = np.where(seen, level, 0.0)
    total, count = np.zeros((series, rows + WEEK)), np.zeros((series, rows + WEEK), dtype=np.int8)
    for shift in range(WEEK, min(BASE_WEEKS * WEEK, rows + WEEK - 1) + 1, WEEK):
        take = min(rows, rows + WEEK - shift)
        total[:, shift : shift + take] += value[:, :take]
        count[:, shift : shift + take] += seen[:, :take]
    mean = np.full_like(total, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _faded(shape: FloatArray, fade: float, skip: int) -> FloatArray:
    """Mean of the same weekday-hours of earlier weeks, each week counting `fade` times the one after it; from row
    `skip` on."""
    series, rows = shape.shape
    weeks = -(-rows // WEEK)
    cut = np.full((series, weeks * WEEK), np.nan)
    cut[:, :rows] = shape
    by_week = cut.reshape(series, weeks, WEEK)
    seen = np.isfinite(by_week)
    value = np.where(seen, by_week, 0.0)
    out = np.full((series, weeks + 1, WEEK), np.nan)
    total, weight = np.zeros((series, WEEK)), np.zeros((series, WEEK))
    for week in range(weeks):
        total = fade * total + value[:, week]
        weight = fade * weight + seen[:, week]
        if (week + 2) * WEEK > skip:
            np.divide(total, weight, out=out[:, week + 1], where=weight > 0)
    ahead = out.reshape(series, -1)[:, skip : rows + WEEK]
    return np.pad(ahead, ((0, 0), (0, rows + WEEK - skip - ahead.shape[1])), constant_values=np.nan)


def _pooled(shape: FloatArray, weekday: IntArray, into_day: int, skip: int) -> FloatArray:
    """Mean of the same hour of earlier days of the same type, up to a week before the row's day; from row `skip` on.

    `weekday` of each row; row 0 is `into_day` hours into its day."""
    series, rows = shape.shape
    days = -(-(into_day + rows + WEEK) // DAY)
    cut = np.full((series, days * DAY), np.nan)
    cut[:, into_day : into_day + rows] = shape
    by_day = cut.reshape(series, days, DAY)
    seen = np.isfinite(by_day)
    value = np.where(seen, by_day, 0.0)
    first_of_day = np.clip(np.arange(days) * DAY - into_day, 0, rows + WEEK - 1)
    kinds = [{5: 1, 6: 2}.get(day, 0) for day in weekday[first_of_day].tolist()]
    total, weight = np.zeros((3, series, DAY)), np.zeros((3, series, DAY))
    out = np.full((series, days, DAY), np.nan)
    for day in range(days):
        if day >= 7:
            old, kind = day - 7, kinds[day - 7]
            fade = FADE_POOL if kind == 0 else FADE_POOL**5  # a Saturday comes once for five workdays
            total[kind] = fade * total[kind] + value[:, old]
            weight[kind] = fade * weight[kind] + seen[:, old]
        if (day + 1) * DAY > into_day + skip:
            now = kinds[day]
            np.divide(total[now], weight[now], out=out[:, day], where=weight[now] > 0)
    return out.reshape(series, -1)[:, into_day + skip : into_day + rows + WEEK]
