"""SYSTEM's limits of one channel, and cleaning the channel with them."""

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from outliers.criteria import ChannelLimits
from outliers.learn.return_level import Floats, daily_maxima, normal_level
from outliers.rules import SPIKE_BACK_ROWS, SPIKE_HOLD_ROWS, SPIKE_LEAST_LEVEL, SPIKE_REFERENCE_ROWS

LEAST_STUCK, STUCK_FACTOR = 20, 3  # rows; times the run length that one in a thousand reaches
SPIKES_IN_ARCHIVE = 4  # days of half a year that may hold one
SPIKE_RETURN_DAYS = 1500.0  # one false spike in four years: the rule is for gross errors
LOW_SHARE = 0.25  # of the 0.01 % quantile: if a meter that never reads 0 reads less, it has failed


def channel_limits(values: Floats, prior: ChannelLimits, *, floor_share: float, rooted: bool) -> ChannelLimits:
    """Limits from an archive. A jump smaller than `floor_share` of the mean is not a spike: bursts must pass.

    `rooted`: the fluctuation scales with the square root of the value (flow), instead of being constant.
    """
    good = np.where((values >= prior.low) & (values <= prior.high), values, np.nan)
    finite = good[np.isfinite(good)]
    if len(finite) < 10_000:
        return prior
    stuck = _stuck_rows(good)
    good[_runs(good) >= stuck] = np.nan
    mean = float(np.nanmean(good))
    typical = mean if rooted else 0.0
    usual = normal_level(daily_maxima(_excursions(good, typical), 1440), SPIKE_RETURN_DAYS, SPIKES_IN_ARCHIVE)
    jump = max(usual, floor_share * mean)
    lowest = float(np.quantile(finite, 1e-4))
    low = max(prior.low, LOW_SHARE * lowest) if lowest > 0 else prior.low
    return replace(prior, low=low, stuck_rows=stuck, jump=jump, typical=typical)


def cleaned(values: Floats, limits: ChannelLimits) -> Floats:
    """`values` with NaN for everything that SYSTEM would reject."""
    good = np.where((values >= limits.low) & (values <= limits.high), values, np.nan)
    good[_runs(good) >= limits.stuck_rows] = np.nan
    if limits.jump:
        away, middle, rows = _from_median(good)
        root = np.sqrt(np.maximum(middle / limits.typical, SPIKE_LEAST_LEVEL)) if limits.typical else 1.0
        limit = limits.jump * root
        good[rows[away > limit]] = np.nan
    return good


def _stuck_rows(good: Floats) -> int:
    lengths = _run_lengths(good)
    return max(LEAST_STUCK, STUCK_FACTOR * int(np.quantile(lengths, 0.999)))


def _starts(values: Floats) -> np.ndarray:
    return np.flatnonzero(np.r_[True, values[1:] != values[:-1]])  # NaN differs from NaN: runs of length one


def _run_lengths(values: Floats) -> np.ndarray:
    return np.diff(np.r_[_starts(values), len(values)])


def _runs(values: Floats) -> np.ndarray:
    """Length of the run of equal values that each row is part of."""
    lengths = _run_lengths(values)
    return np.repeat(lengths, lengths)


def _excursions(values: Floats, typical: float) -> Floats:
    """Distance of the one to three rows from each good row on, from the median of the five rows before and of the three
    after, scaled to the `typical` value. Negative if they are not on the same side of both. NaN for no value."""
    rows = np.flatnonzero(np.isfinite(values))
    finite = values[rows]
    farthest = np.full(len(values), np.nan)
    before = np.median(sliding_window_view(finite, SPIKE_REFERENCE_ROWS), axis=1)
    after = np.median(sliding_window_view(finite, SPIKE_BACK_ROWS), axis=1)
    for held in range(1, SPIKE_HOLD_ROWS + 1):
        first = np.arange(SPIKE_REFERENCE_ROWS, len(finite) - held - SPIKE_BACK_ROWS + 1)
        run = sliding_window_view(finite, held)[first]
        one, two = before[first - SPIKE_REFERENCE_ROWS], after[first + held]
        away = np.maximum(run.min(axis=1) - np.maximum(one, two), np.minimum(one, two) - run.max(axis=1))
        scale = np.sqrt(np.maximum(one / typical, SPIKE_LEAST_LEVEL)) if typical else 1.0
        farthest[rows[first]] = np.fmax(farthest[rows[first]], away / scale)
    return farthest


def _from_median(values: Floats) -> tuple[Floats, Floats, np.ndarray]:
    """Distance of each good row from the median of the five before it, that median, and the rows' indices."""
    rows = np.flatnonzero(np.isfinite(values))
    finite = values[rows]
    middle = np.median(sliding_window_view(finite, SPIKE_REFERENCE_ROWS)[:-1], axis=1)
    return np.abs(finite[SPIKE_REFERENCE_ROWS:] - middle), middle, rows[SPIKE_REFERENCE_ROWS:]
