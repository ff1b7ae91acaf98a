"""The base that the model corrects: the usual value of an hour, from every week that is there.

A mean of four weeks carries half of an hour's own noise (1/sqrt(4)); at one hour ahead that is most of what a good
model has left as error. So the level, which moves, is taken from four weeks, and the shape of the week about it, which
hardly moves, from many more with weights that fade. Everything is known a week (168 rows) ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.dataset import FloatArray, HourlyHistory, IntArray
from forecaster.fallback import BASE_WEEKS, DAY, WEEK, mean_of_weeks

FADE = 0.9  # weight of a week against the one after it: ten weeks count
FADE_SLOW = 0.97  # the same for the slow shape: half a year counts
FADE_POOL = 0.97  # weight of a day against the next of its type (workday, Saturday, Sunday): six weeks count
WINSOR = 4.0  # scales from the plain base beyond which an hour is a burst or a fault and counts as this
LEAST_LEVEL_H = 84  # hours of a week that its level needs
SUNDAY = 6  # a holiday is like one


@dataclass(frozen=True)
class Base:
    """`level` [S, rows + WEEK] the base; `spread` the deviation of the last four weeks, `weeks` how many there were;
    `others` [3, S, rows + WEEK]: mean of weeks, slow shape, shape of the day's type, each minus the base, 0 where there
    is none."""

    level: FloatArray
    spread: FloatArray
    weeks: FloatArray
    others: FloatArray

    def since(self, row: int) -> Base:
        """From a row on."""
        return Base(*(part[..., row:] for part in (self.level, self.spread, self.weeks, self.others)))


def base_of(history: HourlyHistory, scale: FloatArray) -> Base:
    """The base of each series; `scale[series]` is what an ordinary error is measured in."""
    rows = history.rows
    holiday = history.are_holidays(0, rows + WEEK)
    weekday = np.where(holiday, SUNDAY, history.weekdays(0, rows + WEEK))
    working = np.where(holiday[:rows], np.nan, history.y)  # a holiday says nothing about other Thursdays
    plain = mean_of_weeks(working)
    unit = np.where(np.isfinite(scale), scale, np.inf)[:, None]
    near = plain.level[:, :rows]
    calm = np.where(np.isfinite(near), near + np.clip(history.y - near, -WINSOR * unit, WINSOR * unit), history.y)
    level = _mean_of_last_week(calm)
    shape = calm - level
    before = mean_of_weeks(level, BASE_WEEKS).level
    usual = np.where(holiday[:rows], np.nan, shape)
    weeks = [0] * (-(-rows // WEEK) + 1)  # all of one kind
    fast, slow = (before + _fading(usual, 0, WEEK, delay=1, kinds=weeks, fades=(fade,)) for fade in (FADE, FADE_SLOW))
    into_day = int(history.first.astype("datetime64[h]").astype(np.int64)) % DAY
    pooled = before + _same_day_type(shape, weekday, into_day)
    chosen = np.where(np.isfinite(fast), fast, plain.level)
    chosen = np.where(holiday & np.isfinite(pooled), pooled, chosen)
    others = np.stack([plain.level, slow, pooled]) - chosen
    return Base(chosen, plain.spread, plain.weeks, np.where(np.isfinite(others), others, 0.0))


def _mean_of_last_week(y: FloatArray) -> FloatArray:
    """Mean of the week that ends with each row, NaN with less than half of it. [S, R]"""
    seen = np.isfinite(y)
    total, count = np.cumsum([np.where(seen, y, 0.0), seen], axis=2)
    total[:, WEEK:], count[:, WEEK:] = total[:, WEEK:] - total[:, :-WEEK], count[:, WEEK:] - count[:, :-WEEK]
    return np.where(count >= LEAST_LEVEL_H, total / np.maximum(count, 1), np.nan)


def _same_day_type(shape: FloatArray, weekday: IntArray, into_day: int) -> FloatArray:
    """Mean of the same hour of earlier days of the same type, at least a week old. [S, R + WEEK]

    `weekday` of each row; row 0 is `into_day` hours into its day."""
    days = -(-(into_day + len(weekday)) // DAY)
    first_of_day = np.clip(np.arange(days) * DAY - into_day, 0, len(weekday) - 1)
    kinds = [{5: 1, 6: 2}.get(day, 0) for day in weekday[first_of_day].tolist()]
    fades = (FADE_POOL, FADE_POOL**5, FADE_POOL**5)  # a Saturday comes once for five workdays
    return _fading(shape, into_day, DAY, delay=7, kinds=kinds, fades=fades)


def _fading(
    shape: FloatArray, before: int, length: int, *, delay: int, kinds: list[int], fades: tuple[float, ...]
) -> FloatArray:
    """Means of blocks of `length` rows, the first of which began `before` rows earlier. [S, R + WEEK]

    Each block gets the mean of its kind's blocks that are at least `delay` blocks older; their weights fade."""
    series, rows = shape.shape
    padding = (before, len(kinds) * length - before - rows)
    blocks = np.pad(shape, ((0, 0), padding), constant_values=np.nan).reshape(series, len(kinds), length)
    seen = np.isfinite(blocks)
    value = np.where(seen, blocks, 0.0)
    total, weight = np.zeros((2, len(fades), series, length))
    out = np.full(blocks.shape, np.nan)
    for block, now in enumerate(kinds):
        if block >= delay:
            old, kind = block - delay, kinds[block - delay]
            total[kind] = fades[kind] * total[kind] + value[:, old]
            weight[kind] = fades[kind] * weight[kind] + seen[:, old]
        np.divide(total[now], weight[now], out=out[:, block], where=weight[now] > 0)
    return out.reshape(series, -1)[:, before : before + rows + WEEK]
