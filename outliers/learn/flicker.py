"""Learning how the flow's texture depends on the flow: see `outliers.flicker`."""

from dataclasses import dataclass

import numpy as np

from outliers.flicker import SteadyFlow, TextureUse
from outliers.learn.return_level import Floats, spread
from outliers.learn.rolling import running_mean
from outliers.rules import FLICKER_COUNT, FLICKER_WILD, LEAST_USE

HOUR, LEAST_ROWS = 60, 45
LEAST_HOURS = 1000
ROUNDS = 4  # of fitting, each with weights from the previous round
CUT = 4.0  # standard errors: hours further off are not used
PLAIN = 10.0  # errors: a less certain slope is ignored
CLEARLY = 20.0  # squared standard errors by which it must fit better than scatter proportional to the whole flow
# Leakage is about proportional to the pressure (exponent 0.5 for holes in steel, 1.5 for plastic). If the pressure
# hardly varies, the slope cannot be learnt, so it is shrunk towards this.
POWER, POWER_SPREAD = 1.0, 0.4
USEFUL = 0.06  # of the mean flow: with a larger error of a day's steady flow, the texture is of no use
DAY_H, WEEK_H = 24, 168
LEAST_WANDER = 0.003  # of the mean flow


@dataclass(frozen=True, slots=True)
class Texture:
    """An archive's use, and each hour's steady flow with its error, as shares of the mean (NaN = none)."""

    use: TextureUse
    size: Floats
    error: Floats
    used: Floats  # each row's flow minus the usual steady flow, m3/h
    square: Floats  # of each row's change, capped
    mean_m3h: float

    def running(self, rows: int) -> tuple[Floats, Floats]:
        """Steady flow of the last `rows` rows and its error, m3/h, at each row."""
        used = running_mean(self.used, rows)
        error = self.use.error * np.sqrt(FLICKER_COUNT / rows) * np.maximum(used, LEAST_USE * self.mean_m3h)
        return used - running_mean(self.square, rows) / self.use.by_use_m3h, error

    def stills(self) -> list[SteadyFlow | None]:
        """The steady flow of each hour."""
        return [
            None if size != size else SteadyFlow(size, error)  # noqa: PLR0124 - NaN
            for size, error in zip(self.size.tolist(), self.error.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class FlickerHours:
    """An archive by hour: good rows, mean square of the one-minute change, mean flow (NaN = too few rows), and the mean
    pressure above its usual (bar; 0 if unknown)."""

    rows: Floats
    square: Floats
    flow: Floats
    above: Floats


def learn_texture(flow: Floats, pressure: Floats, usual: Floats, mean_m3h: float) -> Texture | None:
    """Learn from cleaned one-minute rows that start at a full hour, and the `usual` flow at each, including the level.

    None if the flicker does not depend on the use, or too little to detect a leak within a day.
    """
    change = np.square(np.diff(flow, prepend=np.nan))
    least = LEAST_USE * mean_m3h
    hourly, bar = _means(flow)[1], _means(pressure)[1]
    usual_bar = float(np.nanmedian(bar)) if np.isfinite(bar).sum() > len(bar) // 2 else None
    above = np.zeros(len(bar)) if usual_bar is None else np.nan_to_num(bar - usual_bar)
    square = np.minimum(change, 2 * FLICKER_WILD * spread(np.sqrt(change)) ** 2)
    for _ in range(2):  # the first pass finds the cap for wild values
        hours = FlickerHours(*_means(square), hourly, above)
        fitted = _fit(hours, least, usual_bar)
        if fitted is None:
            return None
        by_use, steady, by_bar = fitted
        square = np.minimum(change, FLICKER_WILD * by_use * np.maximum(usual - steady, least))
    used = hourly - steady - by_bar * above
    size = (used - hours.square / by_use) / mean_m3h
    counted = np.sqrt(FLICKER_COUNT / np.maximum(hours.rows, 1.0)) * np.maximum(used, least) / mean_m3h
    factor, wander = _scatter(size, counted)
    if factor / np.sqrt(np.nanmean(1 / counted**2) * DAY_H) > USEFUL:
        return None
    use = TextureUse(by_use, steady, by_bar, usual_bar or 0.0, factor, wander)
    minutes = flow - steady - by_bar * np.repeat(above, HOUR)
    return Texture(use, size, factor * counted, minutes, square, mean_m3h)


def _means(values: Floats) -> tuple[Floats, Floats]:
    """The number of good rows of each whole hour, and their mean; NaN if there are too few."""
    hours = values[: len(values) // HOUR * HOUR].reshape(-1, HOUR)
    good = np.isfinite(hours)
    rows = good.sum(axis=1).astype(float)
    total = np.where(good, hours, 0.0).sum(axis=1)
    return rows, np.where(rows >= LEAST_ROWS, total / np.maximum(rows, 1.0), np.nan)


def _fit(hours: FlickerHours, least_m3h: float, usual_bar: float | None) -> tuple[float, float, float] | None:
    """Variance per m3/h of use, the flow that adds none, and its increase per bar."""
    known = np.isfinite(hours.flow) & np.isfinite(hours.square)
    if known.sum() < LEAST_HOURS:
        return None
    table = np.stack([np.ones(known.sum()), hours.flow[known], hours.above[known]], axis=1)
    target, counted = hours.square[known], np.sqrt(FLICKER_COUNT / hours.rows[known])
    expected = np.full(len(target), float(np.median(target)))
    keep, found = expected > 0, np.zeros(3)
    for _ in range(ROUNDS):
        if not keep.any():
            return None
        weight = np.where(keep, 1 / (counted * np.maximum(expected, 1e-12)), 0.0)
        prior = _leakage_by_pressure(found, usual_bar)
        found = _solved(table * weight[:, None], target * weight, prior)
        if found[1] <= 0:
            return None
        expected = np.maximum(table @ found, found[1] * least_m3h)
        keep = np.abs(target - table @ found) < CUT * expected * counted
    weighed = table * weight[:, None]
    rival = np.stack([table[:, 0], table[:, 1] ** 2, table[:, 2]], axis=1) * weight[:, None]
    if _misfit(rival, target * weight) < _misfit(weighed, target * weight) + CLEARLY:
        return None  # scatter proportional to the whole flow fits better
    errors = np.sqrt(np.diag(np.linalg.pinv(weighed.T @ weighed)))
    if found[1] < PLAIN * errors[1]:
        return None
    return float(found[1]), float(-found[0] / found[1]), max(0.0, float(-found[2] / found[1]))


def _leakage_by_pressure(found: Floats, usual_bar: float | None) -> tuple[float, float]:
    """Prior of the third coefficient and its error, from the previous round's other coefficients."""
    steady = max(0.0, -float(found[0])) / usual_bar if usual_bar else 0.0
    return -POWER * steady, POWER_SPREAD * steady


def _solved(table: Floats, target: Floats, prior: tuple[float, float]) -> Floats:
    """Least squares of weighted rows (variance one), with a `prior` for the third coefficient."""
    middle, width = prior
    if width == 0.0:
        return np.append(np.linalg.lstsq(table[:, :2], target, rcond=None)[0], 0.0)
    table = np.vstack([table, [0.0, 0.0, 1 / width]])
    return np.asarray(np.linalg.lstsq(table, np.append(target, middle / width), rcond=None)[0], dtype=np.float64)


def _misfit(table: Floats, target: Floats) -> float:
    return float(np.square(target - table @ np.linalg.lstsq(table, target, rcond=None)[0]).sum())


def _scatter(size: Floats, counted: Floats) -> tuple[float, float]:
    """Over-dispersion of the hours, and the wander of the weekly means beyond that."""
    factor = max(1.0, spread(size / counted))
    weight = np.where(np.isfinite(size), 1 / counted**2, 0.0)
    weeks = len(size) // WEEK_H
    weight = weight[: weeks * WEEK_H].reshape(weeks, WEEK_H)
    total = np.where(weight > 0, np.nan_to_num(size[: weeks * WEEK_H]).reshape(weeks, WEEK_H), 0.0)
    whole = weight.sum(axis=1)
    means = (weight * total).sum(axis=1)[whole > 0] / whole[whole > 0]
    expected = factor**2 * float(np.median(1 / whole[whole > 0]))
    beyond = max(spread(means) ** 2 - expected, LEAST_WANDER**2)
    return factor, float(np.sqrt((beyond + LEAST_WANDER**2) / 2))  # a few weeks are weak evidence
