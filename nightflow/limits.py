"""SYSTEM's limits of one channel, and the channel cleaned by them."""

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.criteria import ChannelLimits
from nightflow.extremes import Floats, daily_maxima, return_level
from nightflow.profile import Calendar

REFERENCE_ROWS = 5  # as the spike rule's median
LEAST_STUCK, STUCK_FACTOR = 20, 3  # rows; times the longest run that one in a thousand reaches
SPIKE_RETURN_DAYS = 3000.0  # a false spike in eight years: the rule is only about gross errors
LOW_SHARE = 0.25  # of the lowest value in ten thousand: below, a meter that never shows nought has failed


def channel_limits(values: Floats, prior: ChannelLimits, calendar: Calendar, floor_share: float) -> ChannelLimits:
    """Limits from an archive. A spike smaller than `floor_share` of the mean is none: bursts must pass."""
    good = np.where((values >= prior.low) & (values <= prior.high), values, np.nan)
    finite = good[np.isfinite(good)]
    if len(finite) < 10_000:
        return prior
    stuck = _stuck_rows(good)
    good[_runs(good) >= stuck] = np.nan
    away, rows = _from_median(good)
    noise = np.array([np.median(away[calendar.hour_of(rows) == hour]) for hour in range(24)]) / 0.6745
    noise = np.maximum(noise, 1e-6)
    ratio = np.full(len(values), np.nan)
    ratio[rows] = away / noise[calendar.hour_of(rows)]
    jump = return_level(daily_maxima(ratio, 1440), SPIKE_RETURN_DAYS, heavy=True)
    noise = np.maximum(noise, floor_share * float(np.nanmean(good)) / jump)
    low = max(prior.low, LOW_SHARE * float(np.quantile(finite, 1e-4)))
    return replace(prior, low=low, stuck_rows=stuck, jump=jump, noise=tuple(map(float, noise)))


def cleaned(values: Floats, limits: ChannelLimits, calendar: Calendar) -> Floats:
    """`values` with everything that SYSTEM would reject as NaN."""
    good = np.where((values >= limits.low) & (values <= limits.high), values, np.nan)
    good[_runs(good) >= limits.stuck_rows] = np.nan
    if limits.jump:
        away, rows = _from_median(good)
        limit = limits.jump * np.array(limits.noise)[calendar.hour_of(rows)]
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


def _from_median(values: Floats) -> tuple[Floats, np.ndarray]:
    """Distance of each good row from the median of the five good rows before it, and those rows' indices."""
    rows = np.flatnonzero(np.isfinite(values))
    finite = values[rows]
    middle = np.median(sliding_window_view(finite, REFERENCE_ROWS)[:-1], axis=1)
    return np.abs(finite[REFERENCE_ROWS:] - middle), rows[REFERENCE_ROWS:]
