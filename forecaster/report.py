"""How the forecasts have done: the rolling error beside the seasonal naive, per sensor and channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from common.forecast_file import ForecastLine
from forecaster.dataset import BoolArray, FloatArray, HourlyHistory, Series, hour_number
from forecaster.fallback import DAY, WEEK

LEADS = (1, 24)
ROLLING_H = 7 * DAY  # a shorter mean shows single days, a longer one hides what has just gone wrong


@dataclass(frozen=True)
class Track:
    """One series at one lead on the hourly grid [rows]: truth, forecast with interval, the value a week before."""

    series: Series
    lead: int
    hours: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]
    truth: FloatArray
    forecast: FloatArray
    low: FloatArray
    high: FloatArray
    naive: FloatArray
    models: tuple[str, ...]

    @property
    def both(self) -> BoolArray:
        """Rows where truth, forecast and naive are all there: only these are compared."""
        return np.isfinite(self.truth) & np.isfinite(self.forecast) & np.isfinite(self.naive)

    def error(self) -> float:
        """Mean absolute error of the forecasts."""
        return _mean(np.abs(self.forecast - self.truth)[self.both])

    def naive_error(self) -> float:
        """Mean absolute error of the value a week before, of the same hours."""
        return _mean(np.abs(self.naive - self.truth)[self.both])

    def covered(self) -> float:
        """Share of truths inside of the interval."""
        return _mean(((self.low <= self.truth) & (self.truth <= self.high))[self.both].astype(np.float64))

    def rolling(self) -> tuple[FloatArray, FloatArray]:
        """Mean absolute errors over the last ROLLING_H hours: the forecast's and the naive's, per row."""
        errors = (np.where(self.both, np.abs(made - self.truth), np.nan) for made in (self.forecast, self.naive))
        forecast, naive = (pd.Series(e).rolling(ROLLING_H, min_periods=DAY).mean().to_numpy() for e in errors)
        return forecast, naive


def tracks(history: HourlyHistory, lines: Iterable[ForecastLine], first_row: int, zone: ZoneInfo) -> list[Track]:
    """A track for each series and lead that has forecasts; `history` reaches a week before `first_row`."""
    at = {(s.sensor, str(s.channel)): i for i, s in enumerate(history.series)}
    start = int(history.first.astype(int)) + first_row
    rows = history.rows - first_row
    made: dict[tuple[int, int], FloatArray] = {}
    labels: dict[tuple[int, int], set[str]] = {}
    for line in lines:
        lead = int((line.hour - line.made_at) / timedelta(hours=1)) + 1
        row = hour_number(line.hour.astimezone(zone)) - start
        if not 0 <= row < rows or lead not in LEADS:
            continue
        for channel, *values in line.channels():
            place = at.get((line.sensor, channel))
            if place is not None and values[0] is not None:
                key = place, lead
                table = made.setdefault(key, np.full((3, rows), np.nan))
                table[:, row] = [np.nan if v is None else v for v in values]
                labels.setdefault(key, set()).add(line.model)
    hours = np.arange(start, start + rows).astype("datetime64[h]")
    out = []
    for place, lead in sorted(made, key=lambda key: (history.series[key[0]], key[1])):
        table, y = made[place, lead], history.y[place]
        naive = np.concatenate([np.full(WEEK, np.nan), y])[first_row : first_row + rows]
        forecast, low, high = table
        models = tuple(sorted(labels[place, lead]))
        out.append(Track(history.series[place], lead, hours, y[first_row:], forecast, low, high, naive, models))
    return out


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
