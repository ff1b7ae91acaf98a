"""One hour's forecast of all sensors as lines: the model where it knows enough, the labelled fallback where not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from common.forecast_file import ForecastLine
from forecaster import mix_naive
from forecaster.dataset import Channel, FloatArray, HourlyHistory, Series, hour_number
from forecaster.fallback import fallback
from forecaster.level_jump import recovered
from forecaster.predict import Model, OnlineCorrections, forecast

HOUR = timedelta(hours=1)
CHANNELS: tuple[Channel, Channel] = ("flow", "pressure")
Numbers = list[float | None]
ChannelForecast = tuple[Numbers, Numbers, Numbers, list[str]]  # value, low, high, label, each per lead


@dataclass(frozen=True)
class Composed:
    """What an hour's forecast came to.

    `guesses` [S, guesses] are those of the hour before, whose truth has come; NaN without a model."""

    lines: list[ForecastLine]
    guesses: FloatArray


@dataclass(frozen=True)
class ForecastHour:
    """A UTC hour to be forecast, and the lead (rows of the local grid) that it is at."""

    start: datetime
    lead: int


def hours_ahead(made_at: datetime, horizon: int, zone: ZoneInfo) -> list[ForecastHour]:
    """The `horizon` hours from `made_at` on. Around a change of summer time leads and hours differ by one."""
    origin = hour_number(made_at.astimezone(zone)) - 1
    hours = [made_at + k * HOUR for k in range(horizon)]
    return [ForecastHour(hour, max(1, hour_number(hour.astimezone(zone)) - origin)) for hour in hours]


def compose(
    history: HourlyHistory,
    made_at: datetime,
    zone: ZoneInfo,
    *,
    horizon: int,
    model: Model | None,
    followed: OnlineCorrections | None = None,
) -> Composed:
    """Forecast lines made at `made_at` (aware, start of a local hour), from rows before it only."""
    row = history.row(made_at.astimezone(zone))
    past = recovered(history.until(row))
    hours = hours_ahead(made_at, horizon, zone)
    channels, guesses = _forecast_all(past, max(h.lead for h in hours), model, followed)
    sensors = dict.fromkeys(s.sensor for s in past.series)
    lines = []
    for sensor in sensors:
        flow, pressure = (channels.get(Series(sensor, c)) for c in CHANNELS)
        lines += [_line(sensor, made_at, hour, flow, pressure) for hour in hours]
    return Composed(lines, guesses)


def _forecast_all(
    past: HourlyHistory, leads: int, model: Model | None, followed: OnlineCorrections | None
) -> tuple[dict[Series, ChannelForecast], FloatArray]:
    """Value, interval and label of each series for leads 1..leads after the past, and the guesses of its last row."""
    out: dict[Series, ChannelForecast] = {}
    series = len(past.series)
    guesses = np.full((series, len(mix_naive.GUESSES)), np.nan)
    value, low, high = (np.full((series, leads), np.nan) for _ in range(3))
    if model is not None and past.rows and series:
        reach = np.arange(1, min(leads, model.horizon) + 1)
        made = forecast(model, past, np.array([past.rows - 1]), reach, stretch=followed.stretch if followed else None)
        guesses = made.before[:, 0]
        if followed is not None:
            made = made.mixed(followed.shares, reach)
        value[:, : len(reach)], low[:, : len(reach)] = made.value[:, 0], made.low[:, 0]
        high[:, : len(reach)] = made.high[:, 0]
    for i, name in enumerate(past.series):
        labels = [model.label if model else ""] * leads
        if np.isnan(value[i]).any():
            spare = fallback(past.y[i], leads)
            use = np.isnan(value[i])
            value[i, use] = spare.value[use]
            low[i, use], high[i, use] = (spare.value - spare.half_width)[use], (spare.value + spare.half_width)[use]
            labels = [spare.label[k] if use[k] else labels[k] for k in range(leads)]
        if not (past.y[i] < 0).any():  # a meter that never ran backwards is not forecast to
            value[i], low[i], high[i] = (np.maximum(a, 0.0) for a in (value[i], low[i], high[i]))
        out[name] = _numbers(value[i]), _numbers(low[i]), _numbers(high[i]), labels
    return out, guesses


def _numbers(values: FloatArray) -> Numbers:
    return [v if math.isfinite(v) else None for v in values.tolist()]


def _line(
    sensor: str, made_at: datetime, hour: ForecastHour, flow: ChannelForecast | None, pressure: ChannelForecast | None
) -> ForecastLine:
    def cell(channel: ChannelForecast | None, part: Literal[0, 1, 2]) -> float | None:
        return channel[part][hour.lead - 1] if channel else None

    labels = [c[3][hour.lead - 1] for c in (flow, pressure) if c and c[3][hour.lead - 1] != "none"]
    return ForecastLine(
        sensor,
        made_at,
        hour.start,
        cell(flow, 0),
        cell(pressure, 0),
        cell(flow, 1),
        cell(flow, 2),
        cell(pressure, 1),
        cell(pressure, 2),
        "/".join(dict.fromkeys(labels)) or "none",
    )
