"""Forecasts without a model: means of the same hour of other weeks, and the labelled fallbacks of a cold start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np

from forecaster.dataset import FloatArray, IntArray

DAY, WEEK = 24, 168
BASE_WEEKS = 4  # mean of the last 4 same weekday-hours: 8 % better than one week on real districts
REACH_WEEKS = 8  # after a long gap, weeks up to this old stand in
LEAST_H = 42 * DAY  # for a model: four weeks to learn from, two to judge on; below that the fallbacks serve
SCALE_FLOOR = 1e-3  # of the mean level: a constant signal must not divide by nothing


@dataclass(frozen=True)
class Weeks:
    """`level[series, row]` = mean of the last same weekday-hours before the row, `spread` = their mean deviation,
    `weeks` = how many there were. Rows reach WEEK past the history. Known WEEK rows ahead: uses nothing later."""

    level: FloatArray
    spread: FloatArray
    weeks: FloatArray


def mean_of_weeks(y: FloatArray, reach: int = REACH_WEEKS) -> Weeks:
    """Means of hourly values `y[series, row]` (NaN = missing), over the last BASE_WEEKS of up to `reach` weeks."""
    series, rows = y.shape
    total, squares = np.zeros((2, series, rows + WEEK))
    count = np.zeros((series, rows + WEEK), dtype=np.int8)
    for shift in range(WEEK, min(reach * WEEK, rows + WEEK - 1) + 1, WEEK):
        if not (lacking := count[:, shift:] < BASE_WEEKS).any():
            break
        past = y[:, : rows + WEEK - shift]
        use = np.isfinite(past) & lacking
        value = np.where(use, past, 0.0)
        total[:, shift:] += value
        squares[:, shift:] += value**2
        count[:, shift:] += use
    weeks = count.astype(np.float64)
    mean = total / np.maximum(weeks, 1)
    spread = np.sqrt(np.maximum(squares / np.maximum(weeks, 1) - mean**2, 0.0))
    return Weeks(np.where(weeks > 0, mean, np.nan), spread, weeks)


def scale_of(y: FloatArray) -> FloatArray:
    """Mean absolute change over a week, of each series: the unit that errors are measured in. Shape [series].

    NaN where less than a day of pairs exists."""
    if y.shape[1] <= WEEK:
        return np.full(len(y), np.nan)
    step = np.abs(y[:, WEEK:] - y[:, :-WEEK])
    pairs = np.isfinite(step).sum(1)
    floor = SCALE_FLOOR * np.nansum(np.abs(y), axis=1) / np.maximum(np.isfinite(y).sum(1), 1)
    scale = np.maximum(np.nansum(step, 1) / np.maximum(pairs, 1), np.maximum(floor, 1e-9))
    return cast(FloatArray, np.where(pairs >= DAY, scale, np.nan))


@dataclass(frozen=True)
class Units:
    """What turns a series into model units, [S] each: an error counts in `scale` (NaN = history too short), where
    in its range a value lies is (value - centre) / swing. The two ratios differ by district; a network that saw
    levels in scales was lost in a district whose day is large beside its errors."""

    scale: FloatArray
    centre: FloatArray
    swing: FloatArray

    @classmethod
    def joined(cls, parts: Iterable[Units]) -> Units:
        """Those of all series of the parts, one part after the other."""
        each = [(part.scale, part.centre, part.swing) for part in parts]
        return cls(*(np.concatenate(one) for one in zip(*each, strict=True)))


def units_of(y: FloatArray) -> Units:
    """Units of hourly values `y[series, row]`."""
    count = np.isfinite(y).sum(1)
    centre = np.nansum(y, 1) / np.maximum(count, 1)
    scale = scale_of(y)
    away = np.nansum((y - centre[:, None]) ** 2, 1) / np.maximum(count, 1)
    return Units(scale, centre, np.maximum(np.sqrt(away), np.where(np.isfinite(scale), scale, 1.0) / 4))


@dataclass(frozen=True)
class Fallback:
    """A forecast without a model: value, half width of its 90 % interval, and the label of the method, per lead."""

    value: FloatArray
    half_width: FloatArray
    label: list[str]


def fallback(y: FloatArray, leads: int) -> Fallback:
    """Forecast `leads` rows after the end of one series `y[row]`, stepping down as history runs out.

    mean-4w (two or more same weekday-hours), naive-168h, naive-24h, mean (of the last day), none (NaN)."""
    rows = len(y) + np.arange(leads)
    weeks, days = _before(y, rows, WEEK, REACH_WEEKS), _before(y, rows, DAY, 14)
    there = np.isfinite(weeks)
    four = np.where(there & (there.cumsum(1) <= BASE_WEEKS), weeks, 0.0).sum(1)
    count = np.minimum(there.sum(1), BASE_WEEKS)
    newest_day = days[np.arange(leads), np.isfinite(days).argmax(1)]
    recent = y[-DAY:] if np.isfinite(y[-DAY:]).any() else y[np.isfinite(y)][-DAY:]
    recent = recent[np.isfinite(recent)]
    mean = recent.mean() if len(recent) else np.nan
    cases = [count >= 2, count == 1, np.isfinite(newest_day), np.full(leads, len(recent) > 0)]
    label = np.select(cases, ["mean-4w", "naive-168h", "naive-24h", "mean"], "none").tolist()
    four = four / np.maximum(count, 1)
    value = np.select(cases, [four, four, newest_day, np.full(leads, mean)], np.nan)
    return Fallback(value, _half_width(y, value, label), label)


def _before(y: FloatArray, rows: IntArray, step: int, most: int) -> FloatArray:
    """Values `step`, 2 `step`, ... `most` steps before each row, NaN where there is none. [rows, most]"""
    at = rows[:, None] - step * np.arange(1, most + 1)
    padded = np.append(y, np.nan)
    return padded[np.where((at >= 0) & (at < len(y)), at, len(y))]


def _half_width(y: FloatArray, value: FloatArray, label: list[str]) -> FloatArray:
    """Half width of a 90 % interval from the method's own past errors; wide when there is no past to judge by."""
    lag = {"mean-4w": WEEK, "naive-168h": WEEK, "naive-24h": DAY, "mean": 1}
    widths = {}
    spread = float(np.nanquantile(np.abs(y - np.nanmean(y)), 0.9)) if np.isfinite(y).any() else np.nan
    for name in set(label) - {"none"}:
        errors = np.abs(y[lag[name] :] - y[: -lag[name]])
        errors = errors[np.isfinite(errors)]
        widths[name] = float(np.quantile(errors, 0.9)) if len(errors) >= DAY else spread
    return np.array([widths.get(name, np.nan) for name in label]) + 0.0 * value
