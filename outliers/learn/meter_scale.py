"""Learning how the pressure responds to the flow within quarters of an hour: see `outliers.meter_scale`."""

import numpy as np

from outliers.learn.return_level import Floats, daily_maxima, normal_level, spread
from outliers.meter_scale import ScaleUse
from outliers.rules import (
    HEADLOSS,
    SCALE_BLOCK_MIN,
    SCALE_LEAST_ROWS,
    SCALE_QUARTER_ROWS,
    SCALE_WILD,
    SCALE_WINDOWS,
)

RETURN_DAYS = 960.0  # one false meter fault in this many days
LEAST_LIMIT = 4.5  # lower scores are noise in any archive
MARGIN = 1.2  # a scale fitted to the archive makes it look calmer than the time after it
BLOCKS_A_DAY = 1440 // SCALE_BLOCK_MIN
QUARTERS_A_BLOCK = SCALE_BLOCK_MIN // SCALE_QUARTER_ROWS
LEAST_DAYS = 42


def scale_use(flow: Floats, pressure: Floats, mean_m3h: float) -> ScaleUse | None:
    """Learn from cleaned one-minute rows that start at a full hour.

    None if the pressure does not fall with the flow, or is mostly missing.
    """
    squares, products, bars, rows = _quarters(flow, pressure, mean_m3h)
    known = squares > 0
    if np.count_nonzero(known) < LEAST_DAYS * BLOCKS_A_DAY * QUARTERS_A_BLOCK:
        return None
    slope = float(products[known].sum() / squares[known].sum())
    off = np.maximum((bars - 2 * slope * products + slope**2 * squares) / rows, 1e-12)
    scatter = float(np.median(off[known]))
    weight = np.where(known, np.minimum(1.0, SCALE_WILD * scatter / off), 0.0)
    squares, products = _sums(weight * squares, QUARTERS_A_BLOCK), _sums(weight * products, QUARTERS_A_BLOCK)
    days = _sums(squares, BLOCKS_A_DAY)
    answers = _sums(products, BLOCKS_A_DAY)[days > 0] / days[days > 0]
    slope = float(np.median(answers))
    if slope >= 0:
        return None
    error2 = spread((1 - answers / slope) / HEADLOSS * np.sqrt(days[days > 0])) ** 2
    usual = normal_level(daily_maxima(_scores(squares, products, slope, error2), BLOCKS_A_DAY), RETURN_DAYS)
    return ScaleUse(slope, scatter, error2, max(LEAST_LIMIT, MARGIN * usual))


def _quarters(flow: Floats, pressure: Floats, mean_m3h: float) -> tuple[Floats, Floats, Floats, Floats]:
    """For each quarter, about its means: sums of cost squared, cost x pressure, pressure squared; and the number of
    rows. 0 if there are too few."""
    whole = len(flow) // SCALE_QUARTER_ROWS * SCALE_QUARTER_ROWS
    good = np.isfinite(flow[:whole]) & np.isfinite(pressure[:whole])
    cost = np.where(good, np.clip(flow[:whole], 0, None) / mean_m3h, 0.0) ** HEADLOSS
    bar = np.where(good, pressure[:whole], 0.0)

    def in_quarters(values: Floats) -> Floats:
        return _sums(values, SCALE_QUARTER_ROWS)

    count = in_quarters(good.astype(float))
    rows = np.maximum(count, 1.0)

    def about_means(one: Floats, two: Floats) -> Floats:
        apart = in_quarters(one * two) - in_quarters(one) * in_quarters(two) / rows
        return np.where(count >= SCALE_LEAST_ROWS, apart, 0.0)

    return about_means(cost, cost), about_means(cost, bar), about_means(bar, bar), rows


def _sums(values: Floats, length: int) -> Floats:
    sums: Floats = values[: len(values) // length * length].reshape(-1, length).sum(axis=1, dtype=float)
    return sums


def _scores(squares: Floats, products: Floats, slope: float, error2: float) -> Floats:
    """After each block, size over error of the window with the largest scale error."""
    largest = np.zeros(len(squares))
    totals = [np.cumsum(np.r_[0.0, values]) for values in (squares, products)]
    for window in SCALE_WINDOWS:
        square, product = (total[window:] - total[:-window] for total in totals)
        size = (1 - product / np.maximum(square, 1e-12) / slope) / HEADLOSS
        score = np.abs(size) * np.sqrt(square / error2)
        largest[window - 1 :] = np.maximum(largest[window - 1 :], score)
    return largest
