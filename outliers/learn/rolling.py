"""Rolling statistics of an archive's rows, NaN = no value."""

import numpy as np

from outliers.learn.return_level import Floats, spread

POOLED_WEEKS = 3.0  # weeks of its own values at which a slot counts as much as its hour of all days
CUT = 6.0  # spreads


def running_mean(values: Floats, rows: int) -> Floats:
    """Mean of the good values of the last `rows` rows; NaN if fewer than half are good."""
    good = np.isfinite(values)
    total = np.cumsum(np.r_[0.0, np.where(good, values, 0.0)])
    count = np.cumsum(np.r_[0, good])
    first = np.maximum(np.arange(1, len(values) + 1) - rows, 0)
    n = count[1:] - count[first]
    mean: Floats = np.where(n * 2 >= rows, (total[1:] - total[first]) / np.maximum(n, 1), np.nan)
    return mean


def lagged(values: Floats, rows: int) -> Floats:
    """Each value as it was `rows` rows earlier."""
    late: Floats = np.concatenate([np.full(rows, np.nan), values[:-rows]])
    return late


def by_slot(values: Floats, slot: np.ndarray) -> Floats:
    """Spread for each hour of the week (168 numbers), never 0.

    A slot occurs only once a week, so it is shrunk towards its hour of the day. The robust spread finds the usual
    range; the mean square of the values not far beyond it then allows wide slots.
    """
    hour = slot % 24
    of_hour = np.tile([spread(values[hour == number]) for number in range(24)], 7)
    own = np.array([spread(values[slot == number]) for number in range(168)])
    weeks = (np.count_nonzero(np.diff(slot)) + 1) / 168
    mixed = np.sqrt((weeks * own**2 + POOLED_WEEKS * of_hour**2) / (weeks + POOLED_WEEKS))
    smooth = np.maximum((np.roll(mixed, 1) + 2 * mixed + np.roll(mixed, -1)) / 4, 1e-6)
    square = np.square(np.clip(values / smooth[slot], -CUT, CUT))
    known = np.isfinite(square)
    count = np.bincount(slot[known], minlength=168)
    total = np.bincount(slot[known], weights=square[known], minlength=168)
    wild: Floats = smooth * np.sqrt(np.where(count, total / np.maximum(count, 1), 1.0))
    return np.maximum(wild, 1e-6)
