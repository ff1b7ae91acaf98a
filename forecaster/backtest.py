"""The product's own training and prediction on a table of the past, as fast as it can, with no look after an origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import HydrologError
from forecaster.adopt import adopted
from forecaster.compose import filled
from forecaster.conformal import block_of
from forecaster.dataset import Channel, HourlyHistory, IntArray, Series, hour_number
from forecaster.fallback import units_of
from forecaster.features import KINDS
from forecaster.fit import Report, fit, refresh
from forecaster.level_jump import recovered
from forecaster.online import OnlineCorrections, Told, week_ago
from forecaster.predict import Forecast, Model, forecast
from forecaster.site_weather import KnownWeather
from forecaster.train import Block

TIMES = ("time_utc", "time_local")
PREFIX = "inflow_lps_"


class TableUnusable(HydrologError):
    """The table of the past or the list of origins cannot be used."""

    exit_code = 2


def read_history(path: Path) -> HourlyHistory:
    """A table with `time_local` (an offset is ignored) and a column per series, at any step up to an hour.

    Rows of an hour are averaged; an empty cell is missing. What a column measures is told by its name.

    Raises:
        TableUnusable: not such a table."""
    try:
        table = pd.read_csv(path)
        local = table["time_local"].astype(str).str.slice(0, 19)
        hours = pd.to_datetime(local, format="ISO8601").dt.floor("h").to_numpy().astype("datetime64[h]")
        values = table.drop(columns=[c for c in TIMES if c in table]).astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise TableUnusable(f"cannot use {path}: {error}") from error
    if not len(values):
        raise TableUnusable(f"cannot use {path}: it has no rows")
    means = values.groupby(hours.astype(np.int64)).mean()
    first = int(means.index.min()) // 24 * 24
    means = means.reindex(range(first, int(means.index.max()) + 1))
    series = tuple(Series(str(name).removeprefix(PREFIX), _channel(str(name))) for name in values)
    return HourlyHistory(np.datetime64(first, "h"), series, means.to_numpy(np.float64).T.copy())


def _channel(name: str) -> Channel:
    return next((kind for kind in KINDS if name.startswith(kind)), "flow")


@dataclass(frozen=True)
class Wanted:
    """What must be forecast: lines of (series, origin row, first and last target row)."""

    series: tuple[str, ...]
    origin: IntArray
    first: IntArray
    last: IntArray

    @property
    def horizon(self) -> int:
        """The usual number of hours ahead; an hour that spring leaves out may add one here and there."""
        return int(np.median(self.last - self.origin))


def read_origins(path: Path, history: HourlyHistory) -> Wanted:
    """The list of origins, `series,origin,first_target,last_target` in local time without offset.

    Raises:
        TableUnusable: not such a list, or a series or time that the history does not have."""
    try:
        table = pd.read_csv(path, dtype=str)
        names = tuple(name.removeprefix(PREFIX) for name in table["series"])
        start = int(history.first.astype(int))
        rows = [
            np.array([hour_number(datetime.fromisoformat(t)) - start for t in table[column]], dtype=np.int64)
            for column in ("origin", "first_target", "last_target")
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TableUnusable(f"cannot use {path}: {error}") from error
    if unknown := set(names) - {s.sensor for s in history.series}:
        raise TableUnusable(f"{path}: series {min(unknown)!r} is not in the data")
    if not names or rows[0].min() < 0 or (rows[1] <= rows[0]).any() or (rows[2] < rows[1]).any():
        raise TableUnusable(f"{path}: no origins, or one before the data, or a target that is not after its origin")
    return Wanted(names, *rows)


def learnt(
    history: HourlyHistory,
    train_until: int,
    horizon: int,
    *,
    train_on: HourlyHistory | None = None,
    train_on_until: int = 0,
    weather: KnownWeather | None = None,
    seed: int = 0,
    blocks: list[Block] | None = None,
    report: Report | None = None,
) -> Model:
    """A model from rows before `train_until` only, for forecasts of `horizon` hours.

    With `train_on` the weights come from that history's rows before `train_on_until`, and every series of
    `history` is new to the model, which adopts it from its rows before `train_until`. `blocks` replaces the plan
    that follows from the size of the history. `weather` has local times as if they were UTC.

    Raises:
        ValueError: too little history to train on."""
    horizon = min(max(horizon, 1), 168)
    learn, until = _with(weather, history, train_until), train_until
    if train_on is not None:
        names = tuple(Series(f"{s.sensor} of training", s.channel) for s in train_on.series)
        learn, until = replace(train_on, series=names), train_on_until
    model = fit(learn, until_row=until, horizon=horizon, version="backtest", seed=seed, report=report, blocks=blocks)
    model = refresh(model, learn, until_row=until, seed=seed, report=report, blocks=blocks)
    return model if train_on is None else adopted(model, history, train_until, seed)


def forecasts(
    model: Model, history: HourlyHistory, wanted: Wanted, weather: KnownWeather | None = None
) -> pd.DataFrame:
    """Forecasts of all wanted pairs as a table. What was not known at an origin is not looked at, weather neither."""
    origins = np.unique(wanted.origin)
    leads = np.arange(1, int((wanted.last - wanted.origin).max()) + 1)
    return _table(history, wanted, origins, _as_the_product_does(model, history, origins, leads, weather))


def _with(weather: KnownWeather | None, history: HourlyHistory, row: int) -> HourlyHistory:
    """The history with the weather that was known when a row began."""
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=int(history.hour(row).astype(int)))
    return weather.onto(history, start) if weather else history


def _as_the_product_does(
    model: Model, history: HourlyHistory, origins: IntArray, leads: IntArray, weather: KnownWeather | None
) -> Forecast:
    """Forecasts of every origin, with all that follows the truth: each hour's counts once it is known."""
    by_network = forecast(model, history, origins, leads) if weather is None else None
    shape = (len(history.series), len(origins), len(leads))
    made = Forecast(*(np.full(shape, np.nan) for _ in range(3)))
    followed = OnlineCorrections.start(model, history.series)
    known = int(origins[0])
    for o, origin in enumerate(origins.tolist()):
        for row in range(known + 1, origin + 1):
            followed = followed.after(_told(made, history, origins[:o], leads, row))
        known = origin
        now, here = _with(weather, history.until(origin + 1), origin + 1), origins[o : o + 1]
        past = recovered(now)
        if by_network and past is now:
            one = Forecast(*(part[:, [o]] for part in by_network))
        else:
            one = forecast(model, past, here, leads)
        one, _ = filled(followed.applied(one, week_ago(past.y, here, leads), leads), past, model.label)
        for part, own in zip(made, one, strict=True):
            part[:, o] = own[:, 0]
    return made


def _told(made: Forecast, history: HourlyHistory, origins: IntArray, leads: IntArray, row: int) -> Told:
    """The forecasts of the hour `row` from the origins before it, and its truth."""
    at = np.flatnonzero(row - origins <= leads[-1])
    series, o = (a.ravel() for a in np.meshgrid(np.arange(len(history.series)), at, indexing="ij"))
    lead = row - origins[o]
    value, low, high = (part[series, o, lead - 1] for part in made)
    before = week_ago(history.y, np.array([row - 1]), np.array([1]))[series, 0, 0]
    return Told(series, block_of(lead), value, low, high, history.y[series, row], before)


def _table(history: HourlyHistory, wanted: Wanted, origins: IntArray, made: Forecast) -> pd.DataFrame:
    targets = [np.arange(first, last + 1) for first, last in zip(wanted.first, wanted.last, strict=True)]
    table = pd.DataFrame({"series": wanted.series, "origin": wanted.origin, "target": targets}).explode("target")
    origin, target = table.origin.to_numpy(np.int64), table.target.to_numpy(np.int64)
    line = {s.sensor: i for i, s in enumerate(history.series)}
    at = table.series.map(line).to_numpy(), np.searchsorted(origins, origin), target - origin - 1
    values = {"forecast": made.value[at], "low": made.low[at], "high": made.high[at]}
    times = {name: _texts(history, rows) for name, rows in (("origin", origin), ("target", target))}
    return table.assign(**times, **values).reset_index(drop=True)


def _texts(history: HourlyHistory, rows: IntArray) -> list[str]:
    return [str(history.hour(row).astype("datetime64[m]")) for row in rows.tolist()]


def usable_until(history: HourlyHistory, time: str, option: str) -> int:
    """The row of a local time given by an option.

    Raises:
        TableUnusable: not a time, or outside of the history."""
    try:
        row = history.row(datetime.fromisoformat(time))
    except ValueError as error:
        raise TableUnusable(f"{option}: {error}") from error
    if not 0 < row <= history.rows or not np.isfinite(units_of(history.until(row).y).scale).any():
        raise TableUnusable(f"{option} {time}: there is no history before it in the data")
    return row
