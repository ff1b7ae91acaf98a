"""The product's own training and prediction on a table of the past, as fast as it can, with no look after an origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import HydrologError
from forecaster import conformal, level_jump, mix_naive
from forecaster.adopt import adopted
from forecaster.dataset import BoolArray, Channel, FloatArray, HourlyHistory, IntArray, Series, hour_number
from forecaster.fallback import WEEK, fallback, units_of
from forecaster.features import KINDS
from forecaster.fit import CALIBRATE_H, Report, fit, refresh, stretch_of
from forecaster.predict import Forecast, Model, forecast, stretches_for
from forecaster.train import Block

TIMES = ("time_utc", "time_local")
PREFIX = "inflow_lps_"
OUTPUT = ("series", "origin", "target", "forecast", "low", "high")


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


def backtest(
    history: HourlyHistory,
    wanted: Wanted,
    train_until: int,
    *,
    train_on: HourlyHistory | None = None,
    train_on_until: int = 0,
    seed: int = 0,
    blocks: list[Block] | None = None,
    report: Report | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Forecasts of all wanted pairs, `OUTPUT` columns; weights from rows before `train_until` only.

    With `train_on` the weights come from that history's rows before `train_on_until`, and every series of
    `history` is new to the model, which adopts it from its rows before `train_until`. `blocks` replaces the plan
    that follows from the size of the history.

    Raises:
        ValueError: too little history to train on."""
    horizon = min(max(wanted.horizon, 1), 168)
    learn, until = history, train_until
    if train_on is not None:
        names = tuple(Series(f"{s.sensor} of training", s.channel) for s in train_on.series)
        learn, until = replace(train_on, series=names), train_on_until
    model = fit(learn, until_row=until, horizon=horizon, version="backtest", seed=seed, report=report, blocks=blocks)
    model = refresh(model, learn, until_row=until, seed=seed, report=report, blocks=blocks)
    say(f"trained: {len(model.parts)} parts, horizon {horizon} h")
    origins = np.unique(wanted.origin)
    leads = np.arange(1, int((wanted.last - wanted.origin).max()) + 1)
    if train_on is not None:
        model = adopted(model, history, train_until, seed)
    start = _first_stretches(model, history, train_until)
    made = forecast(model, history, origins, leads, stretch=start, units_until=train_until)
    made = _recovered(model, history, origins, leads, made, stretch=start, units_until=train_until)
    made = _without_gaps(made, history, origins, leads)
    made = _tracked(start, history, origins, leads, made)
    return _table(history, wanted, origins, made)


def _first_stretches(model: Model, history: HourlyHistory, until_row: int) -> FloatArray:
    """As after training; of a series that is new to the model, as its own last weeks before `until_row` want them."""
    start = stretches_for(model, history.series)
    new = model.places(history.series) < 0
    if new.any() and until_row >= CALIBRATE_H + WEEK:
        start[new] = stretch_of(model, history.until(until_row), until_row - CALIBRATE_H)[:-1][new]
    return start


def _recovered(
    model: Model,
    history: HourlyHistory,
    origins: IntArray,
    leads: IntArray,
    made: Forecast,
    *,
    stretch: FloatArray,
    units_until: int,
) -> Forecast:
    """After a lasting jump of the level, the forecasts that the product makes: from a history that was moved along."""
    parts = {field.name: getattr(made, field.name).copy() for field in fields(made)}
    for origin in level_jump.jumped(history, origins):
        moved = level_jump.recovered(history.until(int(origin) + 1))
        again = forecast(model, moved, np.array([origin]), leads, stretch=stretch, units_until=units_until)
        for name, values in parts.items():
            values[:, origins == origin] = getattr(again, name)
    return Forecast(**parts)


def _without_gaps(made: Forecast, history: HourlyHistory, origins: IntArray, leads: IntArray) -> Forecast:
    """The fallback where the model had too little to go on."""
    value, low, high = made.value.copy(), made.low.copy(), made.high.copy()
    for s, o in np.argwhere(np.isnan(made.value).any(2)):
        spare = fallback(history.y[s, : origins[o] + 1], len(leads))
        use = np.isnan(value[s, o])
        value[s, o, use] = spare.value[use]
        low[s, o, use], high[s, o, use] = (spare.value - spare.half_width)[use], (spare.value + spare.half_width)[use]
    return replace(made, value=value, low=low, high=high)


def _tracked(start: FloatArray, history: HourlyHistory, origins: IntArray, leads: IntArray, made: Forecast) -> Forecast:
    """Stretches and shares as the product follows the truth: each counts once it is known, before the next origin."""
    stretch, shares, block = start.copy(), mix_naive.none(len(start)), conformal.block_of(leads)
    value, low, high = made.value.copy(), made.low.copy(), made.high.copy()
    rows = origins[:, None] + leads[None]
    padded = history.until(int(rows.max()) + 1)
    truth = padded.y[:, rows]  # [S, O, L]
    counted: BoolArray = np.zeros(rows.shape, dtype=bool)
    for o, origin in enumerate(origins):
        known = (rows[:o] <= origin) & ~counted[:o]
        counted[:o] |= known
        at, lead = np.nonzero(known)
        came, said = truth[:, at, lead], value[:, at, lead]
        missed = np.where(np.isfinite(came), 0.0, np.nan)
        missed += (came < low[:, at, lead]) | (came > high[:, at, lead])
        sides = mix_naive.side(came, said, made.guesses[:, at, lead])
        for b, use in _hours(block[lead], rows[at, lead]):
            stretch[:, b] = conformal.track(stretch[:, b], missed[:, use], float(conformal.STEPS[b]))
            shares[:, b] = mix_naive.follow(shares[:, b], sides[:, use], float(mix_naive.STEP[b]))
        move = mix_naive.towards(made.value[:, o], made.guesses[:, o], shares[:, block])
        factor = (stretch / start)[:, block]
        value[:, o] = made.value[:, o] + move
        low[:, o] = value[:, o] - factor * (made.value[:, o] - made.low[:, o])
        high[:, o] = value[:, o] + factor * (made.high[:, o] - made.value[:, o])
    return replace(made, value=value, low=low, high=high)


def _hours(block: IntArray, hour: IntArray) -> Iterator[tuple[int, BoolArray]]:
    """Which of the forecasts of `block`, `hour` [n] count together: each hour once a lead block."""
    for b in np.unique(block).tolist():
        for h in np.unique(hour[block == b]).tolist():
            yield b, (block == b) & (hour == h)


def _table(history: HourlyHistory, wanted: Wanted, origins: IntArray, made: Forecast) -> pd.DataFrame:
    line = {s.sensor: i for i, s in enumerate(history.series)}
    s = np.array([line[name] for name in wanted.series])
    o = np.searchsorted(origins, wanted.origin)
    count = wanted.last - wanted.first + 1
    pair = np.repeat(np.arange(len(s)), count)
    lead = np.concatenate([np.arange(a, b + 1) for a, b in zip(wanted.first, wanted.last, strict=True)])
    lead = lead - wanted.origin[pair]
    at = s[pair], o[pair], lead - 1

    def text(rows: IntArray) -> list[str]:
        return [str(history.hour(int(row)).astype("datetime64[m]")) for row in rows]

    names = np.array(wanted.series, dtype=object)[pair]
    columns = (names, text(wanted.origin[pair]), text(wanted.origin[pair] + lead))
    values = (made.value[at], made.low[at], made.high[at])
    return pd.DataFrame(dict(zip(OUTPUT, (*columns, *values), strict=True)))


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
