"""Return levels: the value that an archive's daily maxima exceed about once in a given number of days.

Fitted to the median and the quartiles of the daily maxima (Gumbel), so a few days with a leak have little effect.
"""

import math

import numpy as np
import numpy.typing as npt

from outliers.rules import MAD_TO_SD

Floats = npt.NDArray[np.float64]

LEAST_DAYS = 20


def return_level(maxima: Floats, days: float, rank: int = 0) -> float:
    """Level exceeded about once in `days` by daily `maxima` (NaN = no such day); infinity with too few days.

    With `rank`, the level is at least the `rank`-th largest maximum: tails may be heavier than Gumbel's, but leaks in
    the archive (fewer than `rank` days) must not set the limit.
    """
    values = maxima[np.isfinite(maxima)]
    if len(values) < LEAST_DAYS:
        return math.inf
    level = _gumbel_level(values, days, 0.25, 0.75)
    return max(level, float(np.sort(values)[-rank])) if rank else level


def level_below(maxima: Floats, days: float) -> float:
    """The same for values with normal tails, by the lower half of the maxima: with leaks on up to half of the days."""
    values = np.square(maxima[np.isfinite(maxima)])
    return math.sqrt(max(0.0, _gumbel_level(values, days, 0.1, 0.5))) if len(values) >= LEAST_DAYS else math.inf


def _gumbel_level(values: Floats, days: float, low: float, high: float) -> float:
    """Level exceeded once in `days` by a Gumbel distribution with these two quantiles and the median of `values`."""
    below, middle, above = np.quantile(values, [low, 0.5, high])
    scale = (above - below) / (_reduced(high) - _reduced(low))
    return float(middle + scale * (_reduced(1 - 1 / days) - _reduced(0.5)))


def _reduced(share: float) -> float:
    """Quantile of the standard Gumbel distribution."""
    return -math.log(-math.log(share))


def normal_level(maxima: Floats, days: float, rank: int = 0) -> float:
    """`return_level` for values with normal tails: the square is fitted."""
    return math.sqrt(return_level(np.square(maxima), days, rank))


def daily_maxima(values: Floats, per_day: int) -> Floats:
    """Maxima of whole days of `values`, `per_day` values each; NaN for a day without values."""
    days = values[: len(values) // per_day * per_day].reshape(-1, per_day)
    filled = np.where(np.isfinite(days), days, -np.inf).max(axis=1)
    return np.where(np.isfinite(filled), filled, np.nan)


def spread(values: Floats) -> float:
    """Robust standard deviation: the median distance from the median, scaled to the normal distribution."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values))))
