"""What follows the truth as it comes in: the stretch of the interval, the share of the value of a week ago.

A pump that runs by a clock is forecast best by its last week, and so is, in part, whatever repeats itself more exactly
than the model learnt. When an hour's truth has come, the share rises a little if the truth lay on the side of the value
of a week ago, and falls if it lay on the other. If the model is clearly better, the share stays near 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.conformal import STEPS, block_of, track
from forecaster.dataset import FloatArray, IntArray, Series
from forecaster.fallback import WEEK
from forecaster.predict import Forecast, Model

SHARE_STEPS = 0.5 * STEPS  # of each lead block: five days on one side bring a share to the most
SURE = 0.2  # dead band: a share rises only if more than 60 % of the truths lie on its side
MOST = 0.95


def week_ago(y: FloatArray, origins: IntArray, leads: IntArray) -> FloatArray:
    """Value a week before each hour to be forecast, NaN where missing or not known at the origin. [S, O, L]"""
    rows = origins[:, None] + leads - WEEK
    known = (rows >= 0) & (leads <= WEEK)
    return np.where(known, y[:, np.where(known, rows, 0)], np.nan)


@dataclass(frozen=True)
class Told:
    """Forecasts of one hour, made at different times, and its truth. [N] each."""

    series: IntArray
    block: IntArray  # lead block
    value: FloatArray
    low: FloatArray
    high: FloatArray
    truth: FloatArray
    week_ago: FloatArray


@dataclass(frozen=True)
class OnlineCorrections:
    """`stretch` and `share` of each series and lead block. [S, blocks]"""

    stretch: FloatArray
    share: FloatArray

    @classmethod
    def start(cls, model: Model, series: tuple[Series, ...]) -> OnlineCorrections:
        """As after training."""
        stretch = model.stretch[model.places(series)]  # place -1 = the last line, for unknown series
        return cls(stretch, np.zeros_like(stretch))

    def after(self, told: Told) -> OnlineCorrections:
        """Once the truth of an hour is known. All its forecasts of a lead block count as one."""
        outside = (told.truth < told.low) | (told.truth > told.high)
        missed = self._means(told, np.where(np.isfinite(told.truth), outside, np.nan))
        sides = np.sign(told.truth - told.value) * np.sign(told.week_ago - told.value)  # 1: on that of a week ago
        side = self._means(told, sides)
        share = np.where(np.isnan(side), self.share, self.share + SHARE_STEPS * (side - SURE))
        return OnlineCorrections(track(self.stretch, missed), np.clip(share, 0.0, MOST))

    def _means(self, told: Told, values: FloatArray) -> FloatArray:
        """Means over the forecasts of a series and lead block, NaN where there is none. [S, blocks]"""
        use = np.isfinite(values)
        at = (told.series * self.stretch.shape[1] + told.block)[use]
        count = np.bincount(at, minlength=self.stretch.size)
        total = np.bincount(at, values[use], minlength=self.stretch.size)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(self.stretch.shape)

    def applied(self, made: Forecast, week_ago: FloatArray, leads: IntArray) -> Forecast:
        """The interval stretched, and all moved towards the value of a week ago."""
        way = np.where(np.isfinite(week_ago), week_ago - made.value, 0.0)
        move = self.share[:, None, block_of(leads)] * way
        wide = made.stretched(self.stretch, leads)
        return Forecast(wide.value + move, wide.low + move, wide.high + move)
