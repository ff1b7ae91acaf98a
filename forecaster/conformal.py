"""The 90 % interval: the network's quantiles, stretched per series and lead block until they hold.

Normalised split-conformal prediction (Lei et al. 2018) gives the first stretch from forecasts that the training did
not see; adaptive tracking (Gibbs and Candes 2021) then widens after each miss and narrows after each hit.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from forecaster.dataset import FloatArray, IntArray

MISS = 0.10  # share of truths that a 90 % interval leaves out
LEAD_BLOCKS = (1, 3, 6, 24, 72, 168)  # last lead of each block that has a stretch of its own
STEP = 0.02  # of the log stretch for one miss too many; a month of hours settles it, one bad hour does not move it
# Past a day, errors come in whole days and are known late: with the full step one good week more than halved the width.
STEPS = np.array([STEP, STEP, STEP, STEP, STEP / 6, STEP / 6])  # of each lead block
STRETCH_MIN, STRETCH_MAX = 0.3, 6.0
FAR_BLOCKS = 4  # from this block on (leads past 24 h) the held-out weeks hold only a few independent errors:
FAR_MARGIN = 1.16  # so that 90 % were inside in three windows before the test
ENOUGH = 40  # truths that a stretch of its own needs; below that all series share one


def block_of(lead: IntArray) -> IntArray:
    """Number of the lead block of each lead (1..168)."""
    return np.searchsorted(np.array(LEAD_BLOCKS), lead)


def ratio(truth: FloatArray, low: FloatArray, middle: FloatArray, high: FloatArray) -> FloatArray:
    """How far a truth is from the middle, in units of that side's half width; 1 = on the edge. NaN where missing."""
    above = truth >= middle
    half = np.where(above, high - middle, middle - low)
    return np.abs(truth - middle) / np.maximum(half, 1e-12)


def calibrate(ratios: FloatArray, lead: IntArray) -> FloatArray:
    """First stretches [S + 1, blocks] from `ratios[series, origin, lead]`; the last line is for unknown series.

    A lead block without truths keeps the network's own interval."""
    series = len(ratios)
    stretch = np.full((series + 1, len(LEAD_BLOCKS)), np.nan)
    blocks = block_of(lead)
    for block in np.unique(blocks):
        here = ratios[:, :, blocks == block].reshape(series, -1)
        stretch[series, block] = shared = _quantile(here.ravel())
        for s in range(series):
            stretch[s, block] = _quantile(here[s]) if np.isfinite(here[s]).sum() >= ENOUGH else shared
    far = stretch[:, FAR_BLOCKS:]
    stretch[:, FAR_BLOCKS:] = FAR_MARGIN * np.sqrt(far * far[-1])  # half way to what all have in common
    return cast(FloatArray, np.clip(np.nan_to_num(stretch, nan=1.0), STRETCH_MIN, STRETCH_MAX))


def _quantile(values: FloatArray) -> float:
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan")
    return float(np.quantile(values, min(1.0, (1 - MISS) * (1 + 1 / len(values)))))


def track(stretch: FloatArray, missed: FloatArray) -> FloatArray:
    """Stretches [..., blocks] after the truth of an hour; `missed`: share of its forecasts whose interval missed it,
    NaN for none."""
    change = np.where(np.isnan(missed), 0.0, STEPS * (missed - MISS) / MISS)
    return cast(FloatArray, np.clip(stretch * np.exp(change), STRETCH_MIN, STRETCH_MAX))
