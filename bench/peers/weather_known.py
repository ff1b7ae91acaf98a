"""The weather of a table of the past as it was known: measured, or with made-up forecasts of what had not come yet.

No forecasts of weather were kept for the public districts. Those made here begin at each midnight and err as the usual
ones do: 1 °C on the first day, 3 °C after a week, for days on one side; rain comes up to a day early or late, half or
twice as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.weather import WeatherHour

HOUR = timedelta(hours=1)
DAY, AHEAD = 24, 8 * 24  # hours; a forecast reaches as far as the longest of water use
FIRST_ERROR_C, LAST_ERROR_C = 1.0, 3.0
LASTS_H = 48  # an error of the temperature, until it has faded by e
FIRST_SHIFT, MORE_SHIFT = 0.25, 0.125  # of a day: the most that rain is early or late on the first day, and more a day


class Table(NamedTuple):
    """Hours one after the other, local times as if they were UTC; NaN where nothing was measured."""

    hours: list[datetime]
    temperature: np.ndarray
    rain: np.ndarray

    def line(self, made_at: datetime, row: int, temperature: float, rain: float) -> WeatherHour:
        """What was known of a row at a time."""
        told = (float(value) if np.isfinite(value) else None for value in (temperature, rain))
        return WeatherHour(made_at, self.hours[row], *told)


def read(path: Path) -> Table:
    """A table with `time_local`, `temperature_c` and `rain_mm`."""
    table = pd.read_csv(path)
    times = pd.to_datetime(table.time_local.str.slice(0, 19), format="ISO8601")
    hours = [time.to_pydatetime().replace(tzinfo=UTC) for time in times]
    return Table(hours, table.temperature_c.to_numpy(np.float64), table.rain_mm.to_numpy(np.float64))


def measured(path: Path) -> Iterator[WeatherHour]:
    """All hours, each as it was measured and known long before: as if there were perfect forecasts."""
    table = read(path)
    for row, hour in enumerate(table.hours):
        yield table.line(hour - AHEAD * HOUR, row, table.temperature[row], table.rain[row])


def as_known(path: Path, seed: int = 1) -> Iterator[WeatherHour]:
    """Each hour once it was over, and before that as it was forecast at each midnight."""
    table, random = read(path), np.random.default_rng(seed)
    for row, hour in enumerate(table.hours):
        yield table.line(hour + HOUR, row, table.temperature[row], table.rain[row])
        if hour.hour == 0:
            temperature, rain = _forecast(table, row, random)
            for lead in range(min(AHEAD, len(table.hours) - row)):
                yield table.line(hour, row + lead, temperature[lead], rain[lead])


def _forecast(table: Table, row: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Temperature and rain of the hours from a row on. Two of [AHEAD]"""
    lead, last = np.arange(AHEAD), len(table.hours) - 1
    error, keeps = random.normal(size=AHEAD), np.exp(-1 / LASTS_H)
    for hour in range(1, AHEAD):
        error[hour] = keeps * error[hour - 1] + np.sqrt(1 - keeps**2) * error[hour]
    size = np.interp(lead, [0, AHEAD - DAY], [FIRST_ERROR_C, LAST_ERROR_C])
    temperature = table.temperature[np.minimum(row + lead, last)] + size * error
    days = np.arange(AHEAD // DAY)
    shift = random.uniform(-DAY, DAY, len(days)) * np.minimum(FIRST_SHIFT + MORE_SHIFT * days, 1.0)
    early = np.clip(row + lead + np.repeat(shift.astype(int), DAY), 0, last)
    return temperature, table.rain[early] * np.repeat(np.exp2(random.uniform(-1, 1, len(days))), DAY)
