"""What the forecasts of the last days were off by, the next ones will be too, in part.

The network has one answer for all sensors and seasons; this follows what is a sensor's own just now. Two parts: how far
a day was off as a whole, and what was left of that at each hour of the day."""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np

from forecaster.dataset import FloatArray, IntArray
from forecaster.fallback import DAY

DAYS_BACK_H = (DAY, 2 * DAY)  # how long ago the forecasts were made that are looked at again
LEADS = np.arange(1, DAY + 1)
LEAST = 8  # hours of a day that tell what it was off by
GAIN = 0.35  # of what all leads of a day had in common
HOUR_GAIN = 0.15  # of what is left at an hour: most of that is noise
HOUR_CLIP = 2.0  # scales; a burst is no habit


def correction(off: FloatArray, leads: IntArray) -> FloatArray:
    """What to add to the forecasts of `leads`, in scales. [S, O, L]

    `off[series, origin, day, hour]`: truth minus forecast at LEADS, made DAYS_BACK_H before the origin; NaN unseen."""
    seen = np.isfinite(off)
    told = seen.sum(3) >= LEAST
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a day without a truth says nothing
        day = np.where(told, np.nanmedian(off, 3), 0.0)
    common = day.sum(2) / np.maximum(told.sum(2), 1)  # [S, O]
    use = seen & told[..., None]
    left = np.where(use, np.clip(off - day[..., None], -HOUR_CLIP, HOUR_CLIP), 0.0)
    hour = left.sum(2) / np.maximum(use.sum(2), 1)  # [S, O, DAY]
    hour = (np.roll(hour, 1, 2) + hour + np.roll(hour, -1, 2)) / 3
    return cast(FloatArray, GAIN * common[..., None] + HOUR_GAIN * hour[..., (leads - 1) % DAY])
