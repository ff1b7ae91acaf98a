"""How much the value of a week ago counts beside the model, for each series and lead block.

A pump that runs by a clock is forecast best by its last week, and so is, in part, whatever repeats itself more exactly
than the model learnt. Of each hour that has come it is asked on which side of the forecast the truth lay: on that of
the value of a week ago, the share rises a little; on the other, it falls. A model that is better in earnest keeps the
share near nothing."""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np

from forecaster.baseline import WEEK
from forecaster.conformal import LEAD_BLOCKS, STEPS
from forecaster.dataset import FloatArray, IntArray

STEP = 0.5 * STEPS  # of each lead block: five days on one side bring the share to the most
SURE = 0.2  # on top of as many hours on this side as on the other: three in five hold the share where it is
MOST = 0.95


def none(series: int) -> FloatArray:
    """Shares [S, blocks] before anything is known."""
    return np.zeros((series, len(LEAD_BLOCKS)))


def naive_at(y: FloatArray, origins: IntArray, leads: IntArray) -> FloatArray:
    """Value a week before each hour to be forecast, NaN where missing or not known at the origin. [S, O, L]"""
    rows = origins[:, None] + leads - WEEK
    known = (rows >= 0) & (leads <= WEEK)
    return np.where(known, y[:, np.where(known, rows, 0)], np.nan)


def towards(middle: FloatArray, naive: FloatArray, share: FloatArray) -> FloatArray:
    """What moves a forecast to the naive by the share of it; 0 where there is no naive."""
    return np.where(np.isfinite(naive), share * (naive - middle), 0.0)


def side(truth: FloatArray, made: FloatArray, naive: FloatArray) -> FloatArray:
    """1 where the truth lay on the naive's side of what was forecast, -1 on the other; NaN where one is missing."""
    return cast(FloatArray, np.sign(truth - made) * np.sign(naive - made))


def follow(share: FloatArray, sides: FloatArray, step: float | FloatArray) -> FloatArray:
    """Shares after the truths of an hour. `sides[..., n]` per share; `step` of all, or of each of the last axis."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no truth for a share: it stays
        mean = np.nanmean(sides, axis=-1)
    change = np.where(np.isnan(mean), 0.0, step * (mean - SURE))
    return cast(FloatArray, np.clip(share + change, 0.0, MOST))
