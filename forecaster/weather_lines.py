"""What weather adds to the forecast: lines on the inputs of `weather.py`, learnt beside the networks.

The networks know nothing of weather, so a model without it, and one whose weather has not come, give the same answer.
What weather adds is learnt from what the lines of `linear.py` lack, by a ridge regression that is common to all series
and each series' own. (What the networks themselves lack says less: they know the hours they were trained on too well.)
Not all of what the lines say is added, for forecasts of weather err, and a garden answers less to the heat of September
than to that of June: how much of it, each series' last weeks say.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from forecaster import linear
from forecaster.dataset import FloatArray, IntArray
from forecaster.fallback import DAY
from forecaster.features import Array
from forecaster.panel import CLIP, Panel

SHARE, MOST = 0.75, 1.25  # of what the lines say, where the last weeks say nothing; and at the most
FADE_H = 28 * DAY  # the last weeks: an hour as old as this counts e times less
SURE = 30.0  # rows of error 1 and answer 1 that the last weeks need to be believed half
LEAST_H = 90 * DAY  # of weather to learn from
FOLDS, FOLD_H = 5, 28 * DAY  # blocks of four weeks that are left out in turn, to tell whether weather helps

WeatherLines = Array  # weights [known + 1, INPUTS], the share in them; line 0, of an unknown series, is 0


def learn(panel: Panel, last: int, *, until_row: int, seed: int) -> WeatherLines | None:
    """Lines for leads up to `last`, from rows before `until_row`.

    None if there is too little weather, or if it does not help blocks of weeks that are left out in turn."""
    weather = panel.weather
    if weather is None or np.isfinite(weather.ahead[:, :until_row]).all(0).sum() < LEAST_H:
        return None
    sample, known = linear.sample(panel, last, until_row=until_row, seed=seed), len(panel.kind)
    x = weather.at(sample.origin, sample.lead[:, None])[:, 0]
    lacks = sample.truth - (sample.x * linear.fitted(sample, known)[sample.series + 1]).sum(1)
    use = np.isfinite(x).all(1)
    fold = (sample.origin + sample.lead) // FOLD_H % FOLDS
    x, lacks, series, fold = x[use], lacks[use], sample.series[use], fold[use]
    told = np.empty_like(lacks)
    for one in range(FOLDS):
        out = fold == one
        lines = _fitted(x[~out], lacks[~out], series[~out], known)
        told[out] = (x[out] * lines[series[out] + 1]).sum(1)
    if np.abs(lacks - told).sum() >= np.abs(lacks).sum():
        return None
    age_h = until_row - (sample.origin + sample.lead)[use]
    return _fitted(x, lacks, series, known) * shares(told, lacks, series, age_h, known)[:, None]


def shares(told: Array, lacks: Array, series: IntArray, age_h: IntArray, known: int) -> Array:
    """How much of what the lines told of hours that they had not learnt was true of each series of late; 0 for an
    unknown one. [known + 1]"""
    weight = np.exp(-age_h / FADE_H) / np.maximum(np.abs(lacks - SHARE * told), linear.LEAST_ERROR)
    true, all_ = (np.bincount(series, weight * told * part, minlength=known) for part in (lacks, told))
    share = np.clip((true + SURE * SHARE) / (all_ + SURE), 0.0, MOST)
    return np.concatenate([[0.0], share]).astype(np.float32)


def _fitted(x: Array, lacks: Array, series: IntArray, known: int) -> WeatherLines:
    spread = np.maximum(x.std(0, dtype=np.float64), linear.LEAST_SPREAD).astype(np.float32)
    scaled = x / spread
    common, weight = linear.robust(scaled, lacks, linear.PENALTY)
    left = lacks - scaled @ common
    lines = np.zeros((known + 1, x.shape[1]), dtype=np.float32)
    for number in np.unique(series):
        own = series == number
        lines[number + 1] = (common + linear.ridge(scaled[own], left[own], weight[own], linear.PENALTY)) / spread
    return lines


def answer(lines: WeatherLines, panel: Panel, known: IntArray, origins: IntArray, leads: IntArray) -> FloatArray:
    """What weather adds to the residual of each series (by its line) at each origin and lead, in scales; NaN where the
    weather is not known. [S, O, L]"""
    if panel.weather is None:
        return np.full((len(known), len(origins), len(leads)), np.nan)
    x = panel.weather.at(origins, np.tile(leads, (len(origins), 1)))
    return cast(FloatArray, np.clip(np.einsum("sk,olk->sol", lines[known], x), -CLIP, CLIP))
