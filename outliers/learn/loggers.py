"""Learning the usual pressure of a logger inside a zone: see `outliers.logger_use`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from outliers.learn.day_kinds import HOURS, Calendar
from outliers.learn.pressure import memory
from outliers.learn.return_level import Floats, daily_maxima, normal_level, return_level, spread
from outliers.learn.rolling import lagged, running_mean
from outliers.learn.whole_day import whole_day
from outliers.logger_use import BASE_H, WINDOWS_H, LoggerUse, next_level
from outliers.rules import HEADLOSS

LEAST_HOURS = 8 * 168  # eight weeks
LOW_DAYS, DRIFT_DAYS = 480.0, 960.0  # one false finding in this many days
MARGIN = 1.2  # a model fitted to the archive makes it look calmer than the time after it
LEAST_LOW_BAR = 0.02  # 20 cm: smaller falls do not matter
LEAST_DRIFT = 0.015  # of the mean pressure
# Other shares than the inlets' mean must leave so much less spread: as a share, and as bar. Where an inlet's pressure
# hardly changes, they only fit the noise of its gauge, and would not foresee a change of the supply.
FREE_SHARE, FREE_BAR = 0.8, 0.01
FIRST_WILD, WILD = 6.0, 4.0  # spreads beyond which an hour does not count in the next round


@dataclass(frozen=True, slots=True)
class LoggerArchive:
    """One-minute rows of a logger and its area, of the same span, which starts a UTC hour; NaN = not usable.

    Attributes:
        pressure: of the logger, bar.
        inlets: pressure of each meter where water comes in, bar.
        flow: of the area, m3/h.
    """

    area: str
    pressure: Floats
    inlets: Mapping[str, Floats]
    flow: Floats


def logger_use(archive: LoggerArchive, calendar: Calendar) -> LoggerUse | None:
    """Learn a logger; None with less than eight weeks of hours in which everything is known."""
    inlets = {name: bars for name, bars in archive.inlets.items() if _known_hours(bars) >= LEAST_HOURS}
    good = np.isfinite(archive.pressure) & np.isfinite(archive.flow)
    for bars in inlets.values():
        good &= np.isfinite(bars)
    if not inlets or not good.any():
        return None
    mean = float(archive.flow[good].mean())
    if mean <= 0:
        return None
    counts = good[: len(good) // 60 * 60].reshape(-1, 60).sum(axis=1)
    hour_rows = max(1, int(np.median(counts[counts > 0])) // 2)
    if np.count_nonzero(counts >= hour_rows) < LEAST_HOURS:
        return None

    def hours(values: Floats) -> Floats:
        sums = np.where(good, values, 0.0)[: len(counts) * 60].reshape(-1, 60).sum(axis=1)
        means: Floats = np.where(counts >= hour_rows, sums / np.maximum(counts, 1), np.nan)
        return means

    cost = hours((np.clip(np.where(good, archive.flow, 0.0), 0, None) / mean) ** HEADLOSS)
    bars = np.column_stack([hours(values) for values in inlets.values()])
    place = calendar.hour_of(np.arange(len(counts)) * 60)
    fit = _best(hours(archive.pressure), bars, cost, place)
    scatter = spread(fit.residual)
    levels = _levels(fit.residual, scatter)
    return LoggerUse(
        area=archive.area,
        inlets=tuple(inlets),
        shares=fit.shares,
        mean_m3h=mean,
        still_bar=tuple(map(float, fit.still)),
        slope_bar=fit.slope,
        hour_rows=hour_rows,
        spread_bar=scatter,
        memory=memory(fit.residual),
        low_bar=tuple(_low_limit(fit.residual, levels, window) for window in WINDOWS_H),
        level_bar=float(levels[-1]),
        drift_bar=max(MARGIN * _drift_level(fit.residual), LEAST_DRIFT * float(archive.pressure[good].mean())),
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    shares: tuple[float, ...]
    slope: float
    still: Floats  # by local hour
    residual: Floats


def _best(pressure: Floats, inlets: Floats, cost: Floats, place: np.ndarray) -> _Fit:
    """The inlets' mean is what the pipes say, unless other shares explain the pressure much better: of a logger behind
    a reducing valve, or nearer to one of two inlets."""
    count = inlets.shape[1]
    fits = []
    for parts, fixed in ((cost[:, None], (1.0 / count,) * count), (np.column_stack([cost, inlets]), None)):
        weights = _weights(pressure if fixed is None else pressure - inlets @ np.array(fixed), parts, place)
        slope, shares = min(0.0, float(weights[0])), fixed or tuple(map(float, weights[1 : 1 + count]))
        above = pressure - inlets @ np.array(shares) - slope * cost
        known = np.isfinite(above)
        still = whole_day(above[known], place[known], HOURS)
        fits.append(_Fit(shares, slope, still, above - still[place]))
    plain, free = fits
    before, after = spread(plain.residual), spread(free.residual)
    return free if after < FREE_SHARE * before and after < before - FREE_BAR else plain


def _weights(values: Floats, parts: Floats, place: np.ndarray) -> Floats:
    """Least squares without wild hours, with a level for each local hour: the weight of each part."""
    known = np.isfinite(values) & np.isfinite(parts).all(axis=1)
    columns, wanted, used = (
        np.column_stack([parts, np.eye(HOURS)[place]])[known],
        values[known],
        np.full(known.sum(), True),
    )
    weights: Floats = np.zeros(columns.shape[1])
    for wild in (FIRST_WILD, WILD, WILD):
        weights = np.linalg.lstsq(columns[used], wanted[used], rcond=None)[0]
        residual = wanted - columns @ weights
        used = np.abs(residual) <= wild * max(spread(residual), 1e-6)
    return np.asarray(np.linalg.lstsq(columns[used], wanted[used], rcond=None)[0])


def _levels(residual: Floats, scatter: float) -> Floats:
    """The slow level after each hour."""
    levels, level = np.empty(len(residual)), 0.0
    for hour, value in enumerate(residual.tolist()):
        if math.isfinite(value):
            level = next_level(level, value, scatter)
        levels[hour] = level
    return levels


def _low_limit(residual: Floats, levels: Floats, window: int) -> float:
    before = np.minimum(running_mean(residual, BASE_H), levels)
    fall = lagged(before, window) - running_mean(residual, window)
    usual = return_level(daily_maxima(fall, HOURS), LOW_DAYS)
    return max(MARGIN * usual, LEAST_LOW_BAR)


def _drift_level(residual: Floats) -> float:
    return normal_level(daily_maxima(np.abs(running_mean(residual, BASE_H)), HOURS), DRIFT_DAYS)


def _known_hours(values: Floats) -> int:
    return int(np.isfinite(values[: len(values) // 60 * 60]).reshape(-1, 60).any(axis=1).sum())
