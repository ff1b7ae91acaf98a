"""The site's weather on the rows of a history, as it was known at some time. See `common/weather.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path

import numpy as np

from common import files, weather
from common.folder import WEATHER_FILE
from common.weather import WeatherHour
from forecaster.dataset import BoolArray, FloatArray, HourlyHistory, IntArray, Weather, hour_number
from forecaster.fallback import WEEK


class KnownWeather:
    """What was known of each hour, and when."""

    def __init__(self, lines: Iterable[WeatherHour], zone: tzinfo) -> None:
        lines = sorted(lines, key=lambda line: line.made_at)
        self._made_s = np.array([line.made_at.timestamp() for line in lines])
        self._hour = np.array([hour_number(line.hour.astimezone(zone)) for line in lines], dtype=np.int64)
        values = [(line.temperature_c, line.rain_mm_h) for line in lines]
        self._values = np.array(values, dtype=np.float64).reshape(-1, 2).T

    def onto(self, history: HourlyHistory, at: datetime) -> HourlyHistory:
        """The history with the weather that was known at a time, of its rows and of the week after it."""
        last = int(np.searchsorted(self._made_s, at.timestamp(), side="right"))
        row = self._hour[:last] - int(history.first.astype(int))
        rows = history.rows + WEEK
        here = (row >= 0) & (row < rows)
        if not here.any():
            return history
        return replace(history, weather=Weather(*(_newest(row, own[:last], here, rows) for own in self._values)))


def _newest(row: IntArray, values: FloatArray, here: BoolArray, rows: int) -> FloatArray:
    """The last known value of each row, NaN for none. `row`, `values` by when they were known."""
    out = np.full(rows, np.nan)
    there = here & np.isfinite(values)
    out[row[there]] = values[there]  # of a row that comes again the last one counts
    return out


class WeatherReader:
    """The weather of the data folder, read again when its file has changed."""

    def __init__(self, data: Path, zone: tzinfo) -> None:
        self._data = data
        self._zone = zone
        self._seen: files.Stamp | None = None
        self._known = KnownWeather([], zone)

    def onto(self, history: HourlyHistory, at: datetime) -> HourlyHistory:
        """See `KnownWeather.onto`."""
        stamp = files.stamp(self._data / WEATHER_FILE)
        if stamp != self._seen:
            self._known = KnownWeather(weather.read(self._data), self._zone)
            self._seen = stamp
        return self._known.onto(history, at)
