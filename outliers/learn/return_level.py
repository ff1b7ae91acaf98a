"""Return levels: the value that an archive's daily maxima exceed about once in a given number of days.

Fitted to the median and the quartiles of the daily maxima (Gumbel), so a few days with a leak have little effect.
"""

import math

import numpy as np
import numpy.typing as npt

from outliers.rules import MAD_TO_SD

Floats = npt.NDArray[np.float64]

LEAST_DAYS = 20
QUARTILES = (0.25, 0.75)
LOWER_HALF = (0.1, 0.5)  # for an archive with leaks on up to half of its days


def return_level(maxima: Floats, days: float, rank: int = 0, quantiles: tuple[float, float] = QUARTILES) -> float:
    """Level exceeded about once in `days` by daily `maxima` (NaN = no such day); infinity with too few days.

    Gumbel's distribution is fitted to their median and these two `quantiles`.

    With `rank`, the level is at least the `rank`-th largest maximum: tails may be heavier than Gumbel's, but leaks in
    the archive (fewer than `rank` days) must not set the limit.
    """
    values = maxima[np.isfinite(maxima)]
    if len(values) < LEAST_DAYS:
        return math.inf
    low, high = quantiles
    below, middle, above = np.quantile(values, [low, 0.5, high])
    scale = (above - below) / (_reduced(high) - _reduced(low))
    level = float(middle + scale * (_reduced(1 - 1 / days) - _reduced(0.5)))
    return max(level, float(np.sort(values)[-rank])) if rank else level


def _reduced(share: float) -> float:
    """Quantile of the standard Gumbel distribution."""
    return -math.log(-math.log(share))


def normal_level(maxima: Floats, days: float, rank: int = 0, quantiles: tuple[float, float] = QUARTILES) -> float:
    """`return_level` for values with normal tails: the square is fitted."""
    return math.sqrt(max(0.0, return_level(np.square(maxima), days, rank, quantiles)))


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
