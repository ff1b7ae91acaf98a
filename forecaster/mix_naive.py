"""How much the value of a week ago counts beside the model, for each series and lead block.

A pump that runs by a clock is forecast best by its last week, and so is, in part, whatever repeats itself more exactly
than the model learnt. When an hour's truth has come, the share rises a little if the truth lay on the side of the value
of a week ago, and falls if it lay on the other. If the model is clearly better, the share stays near 0.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from forecaster.conformal import STEPS
from forecaster.dataset import FloatArray, IntArray
from forecaster.fallback import WEEK

STEP = 0.5 * STEPS  # of each lead block: five days on one side bring a share to the most
SURE = 0.2  # dead band: a share rises only if more than 60 % of the truths lie on its side
MOST = 0.95


def week_ago(y: FloatArray, origins: IntArray, leads: IntArray) -> FloatArray:
    """Value a week before each hour to be forecast, NaN where missing or not known at the origin. [S, O, L]"""
    rows = origins[:, None] + leads - WEEK
    known = (rows >= 0) & (leads <= WEEK)
    return np.where(known, y[:, np.where(known, rows, 0)], np.nan)


def towards(middle: FloatArray, guess: FloatArray, share: FloatArray) -> FloatArray:
    """What moves forecasts towards the guess by its share of the way."""
    return np.where(np.isfinite(guess), share * (guess - middle), 0.0)


def side(truth: FloatArray, made: FloatArray, guess: FloatArray) -> FloatArray:
    """1 where the truth lay on the guess's side of the forecast, -1 on the other; NaN where one is missing."""
    return np.sign(truth - made) * np.sign(guess - made)


def follow(share: FloatArray, side: FloatArray) -> FloatArray:
    """Shares [..., blocks] after the truth of an hour; `side` is the mean over its forecasts, NaN for none."""
    moved = np.where(np.isnan(side), share, share + STEP * (side - SURE))
    return cast(FloatArray, np.clip(moved, 0.0, MOST))
