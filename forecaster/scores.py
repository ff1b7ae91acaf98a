"""How good forecasts are: the one definition of each number that is published about them.

| number | meaning |
| --- | --- |
| MASE | mean absolute error, in units of the series' mean change over a week before the training ended |
| pinball | mean pinball loss of the interval's two ends and the forecast (5, 50, 95 %), doubled, in the same unit: of the forecast alone it would be the MASE. It falls if the interval is right *and* narrow |
| inside | share of the measured values in the 90 % interval |
| PI1, PI2, PI3 | of a week's forecast: mean absolute error and largest error of the first day, mean absolute error of the six days that follow, in the unit of the flow, as the Battle of Water Demand Forecasting has them |

Pairs without a measured value are left out. Means are taken over the series, each of which counts the same.
"""  # noqa: E501 - a table

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from forecaster.dataset import FloatArray, HourlyHistory
from forecaster.fallback import DAY, WEEK, scale_of

BLOCKS = (1, DAY, WEEK)  # last lead of each block of hours that is scored; all begin with the next hour
QUANTILES = {"low": 0.05, "forecast": 0.5, "high": 0.95}


class Score(NamedTuple):
    """Of the forecasts up to a lead, means over the series. `pairs` of forecast and measured value."""

    last: int
    pairs: int
    mase: float
    pinball: float
    inside: float


class WeekScore(NamedTuple):
    """Of forecasts of a week, means over series and origins, in the unit of the series."""

    pi1: float
    pi2: float
    pi3: float


def pinball(quantile: float, truth: FloatArray, told: FloatArray) -> FloatArray:
    """Pinball loss of each pair, in the unit of the series: at the 50 % quantile half of the absolute error."""
    error = truth - told
    return np.maximum(quantile * error, (quantile - 1) * error)


def scores(table: pd.DataFrame, history: HourlyHistory, train_until: int) -> list[Score]:
    """A score for each block that the forecasts reach. `table` as `backtest` makes it; scale from rows before
    `train_until`."""
    pairs = _pairs(table, history)
    scale = dict(zip((s.sensor for s in history.series), scale_of(history.y[:, :train_until]), strict=True))
    unit = pairs.series.map(scale)
    loss = sum(pinball(q, pairs.truth.to_numpy(), pairs[name].to_numpy()) for name, q in QUANTILES.items())
    pairs = pairs.assign(
        mase=(pairs.forecast - pairs.truth).abs() / unit,
        pinball=2 * loss / len(QUANTILES) / unit,
        inside=(pairs.low <= pairs.truth) & (pairs.truth <= pairs.high),
    )
    made = []
    for last in BLOCKS:
        block = pairs[pairs.lead <= last]
        if last <= pairs.lead.max():
            means = block.groupby("series")[["mase", "pinball", "inside"]].mean().mean()
            made.append(Score(last, len(block), *means.to_list()))
    return made


def week_score(table: pd.DataFrame, history: HourlyHistory) -> WeekScore:
    """The three numbers of forecasts that reach a week."""
    pairs = _pairs(table, history)
    error = (pairs.forecast - pairs.truth).abs()
    each = [pairs.series, pairs.origin]
    first, rest = error[pairs.lead <= DAY], error[pairs.lead > DAY]
    return WeekScore(
        *(
            float(part.mean())
            for part in (first.groupby(each).mean(), first.groupby(each).max(), rest.groupby(each).mean())
        )
    )


def _pairs(table: pd.DataFrame, history: HourlyHistory) -> pd.DataFrame:
    """The forecasts that have a measured value, with it and with their lead in rows."""
    line = table.series.map({s.sensor: i for i, s in enumerate(history.series)}).to_numpy()
    origin, target = (
        (table[name].to_numpy("datetime64[h]") - history.first).astype(int) for name in ("origin", "target")
    )
    there = target < history.rows
    truth = np.where(there, history.y[line, np.where(there, target, 0)], np.nan)
    pairs = table.assign(lead=target - origin, truth=truth)
    return pairs[np.isfinite(truth) & pairs.forecast.notna()].reset_index(drop=True)
