"""How much plain guesses count beside the model, for each series and lead block.

Three guesses: the value of a week ago; the base and what it was off by at this hour yesterday; the base and what it was
off by at this hour in the last week, on the mean. A pump that runs by a clock is forecast best by its last week, and so
is, in part, whatever repeats itself more exactly than the model learnt. Of each hour that has come it is asked on which
side of the forecast the truth lay: on that of a guess, its share rises a little; on the other, it falls. A model that
is better in earnest keeps the shares near nothing."""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np

from forecaster.conformal import LEAD_BLOCKS, STEPS
from forecaster.dataset import FloatArray, IntArray
from forecaster.fallback import DAY, WEEK
from forecaster.features import SPAN
from forecaster.panel import Panel

WEEK_AGO, YESTERDAY, LAST_WEEK = GUESSES = range(3)
STEP = 0.5 * STEPS  # of each lead block: five days on one side bring a share to the most
SURE = 0.2  # on top of as many hours on this side as on the other: three in five hold the share where it is
MOST = 0.95  # of all shares together


def none(series: int) -> FloatArray:
    """Shares [S, blocks, guesses] before anything is known."""
    return np.zeros((series, len(LEAD_BLOCKS), len(GUESSES)))


def guesses(panel: Panel, y: FloatArray, origins: IntArray, leads: IntArray) -> FloatArray:
    """The guesses of each hour to be forecast, NaN where missing or not known at the origin. [S, O, L, guesses]

    `y` are the panel's values. Within the day a guess of an hour is the same from whichever origin; past it, there is
    only the value of a week ago."""
    out = np.full((len(y), len(origins), len(leads), len(GUESSES)), np.nan)
    out[..., WEEK_AGO] = naive_at(y, origins, leads)
    near = leads <= DAY
    rows = origins[:, None] + leads[near]
    at = SPAN + rows[..., None] - DAY * np.arange(1, 8)  # the seven days before
    off = np.where(panel.seen[:, at] > 0, panel.z[:, at], np.nan)
    base, unit = panel.base[:, rows], panel.units.scale[:, None, None]
    out[:, :, near, YESTERDAY] = base + unit * off[..., 0]
    out[:, :, near, LAST_WEEK] = base + unit * _mean(off)
    return out


def naive_at(y: FloatArray, origins: IntArray, leads: IntArray) -> FloatArray:
    """Value a week before each hour to be forecast, NaN where missing or not known at the origin. [S, O, L]"""
    rows = origins[:, None] + leads - WEEK
    known = (rows >= 0) & (leads <= WEEK)
    return np.where(known, y[:, np.where(known, rows, 0)], np.nan)


def towards(middle: FloatArray, guess: FloatArray, share: FloatArray) -> FloatArray:
    """What moves forecasts [...] towards the guesses [..., guesses] by their shares of the way."""
    way = np.where(np.isfinite(guess), guess - middle[..., None], 0.0)
    return cast(FloatArray, (share * way).sum(-1))


def side(truth: FloatArray, made: FloatArray, guess: FloatArray) -> FloatArray:
    """1 where the truth lay on the guess's side of what was forecast, -1 on the other; NaN where one is missing.

    `truth`, `made` [...], `guess` and the sides [..., guesses]."""
    return cast(FloatArray, np.sign(truth - made)[..., None] * np.sign(guess - made[..., None]))


def follow(share: FloatArray, sides: FloatArray, step: float | FloatArray) -> FloatArray:
    """Shares [..., guesses] after the truths of an hour, `sides[..., n, guesses]`; `step` of all, or of each."""
    mean = _mean(np.moveaxis(sides, -2, -1))
    change = np.where(np.isnan(mean), 0.0, step * (mean - SURE))  # no truth for a share: it stays
    moved = np.clip(share + change, 0.0, None)
    return cast(FloatArray, moved * (MOST / np.maximum(moved.sum(-1, keepdims=True), MOST)))


def _mean(values: FloatArray) -> FloatArray:
    """Mean over the last axis of what is there; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return cast(FloatArray, np.nanmean(values, axis=-1))
