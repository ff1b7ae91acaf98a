"""What follows the truth as it comes in: the stretch of the interval, the share of the value of a week ago."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster import conformal, mix_naive
from forecaster.dataset import FloatArray, IntArray, Series
from forecaster.predict import Forecast, Model


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
        side = self._means(told, mix_naive.side(told.truth, told.value, told.week_ago))
        return OnlineCorrections(conformal.track(self.stretch, missed), mix_naive.follow(self.share, side))

    def _means(self, told: Told, values: FloatArray) -> FloatArray:
        """Means over the forecasts of a series and lead block, NaN where there is none. [S, blocks]"""
        use = np.isfinite(values)
        at = (told.series * self.stretch.shape[1] + told.block)[use]
        count = np.bincount(at, minlength=self.stretch.size)
        total = np.bincount(at, values[use], minlength=self.stretch.size)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(self.stretch.shape)

    def applied(self, made: Forecast, week_ago: FloatArray, leads: IntArray) -> Forecast:
        """The interval stretched, and all moved towards the value of a week ago."""
        move = mix_naive.towards(made.value, week_ago, self.share[:, None, conformal.block_of(leads)])
        wide = made.stretched(self.stretch, leads)
        return Forecast(wide.value + move, wide.low + move, wide.high + move)
