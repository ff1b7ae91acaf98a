"""Forecasts of a trained model at given origins: value and 90 % interval in the series' own unit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

import numpy as np

from forecaster import linear, weather_lines
from forecaster.conformal import block_of
from forecaster.dataset import BoolArray, FloatArray, HourlyHistory, IntArray, Series
from forecaster.fallback import DAY, WEEK, Units, units_of
from forecaster.features import SPAN, Array
from forecaster.forward import Weights, quantiles
from forecaster.gather import Batch, gather
from forecaster.panel import Panel, panel_of

WINDOWS_AT_ONCE = 256  # their inputs stay in the processor's cache
REVIEWED_H = (DAY, 2 * DAY)  # how long ago the forecasts were made that are looked at again
REVIEW_LEAST = 8  # hours of a day that tell what it was off by
REVIEW_GAIN = 0.35  # of what a day was off by is added to the next forecasts: 3 % better in an autumn
MIN_SEEN_WEEK_H = 24  # with less of the last week, the model knows nothing that the base does not


@dataclass(frozen=True)
class Part:
    """The networks (one a seed; their mean counts) that answer leads up to `last`, and the lines beside them."""

    last: int
    networks: tuple[Weights, ...]
    lines: linear.Lines | None = None
    weather: weather_lines.WeatherLines | None = None

    def answer(self, batch: Batch, known: IntArray) -> Array:
        """Low, middle and high of the residual, without weather. [B, L, 3]"""
        out: Array = np.mean([quantiles(n, batch, known) for n in self.networks], axis=0)
        if self.lines is not None:
            out += linear.SHARE * (linear.answer(self.lines, batch, known) - out[..., 1])[..., None]
        return out


@dataclass(frozen=True)
class Model:
    """Trained weights with all that turns their answer into m3/h and bar.

    Line i of `units` and `stretch` (of the interval) is that of `series[i]`; the last of `stretch` is for unknown
    series."""

    version: str
    series: tuple[Series, ...]
    units: Units
    parts: tuple[Part, ...]
    stretch: FloatArray
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"lstm-{self.version}"

    @property
    def horizon(self) -> int:
        return max(part.last for part in self.parts)

    def part_for(self, lead: int) -> Part:
        """The part that answers this lead: the shortest that reaches it."""
        return min((p for p in self.parts if p.last >= lead), key=lambda p: p.last, default=self.parts[-1])

    def at_home(self, site: str) -> Model:
        """With `site` for the series of weights that were learnt before a series had a site."""
        return replace(self, series=tuple(s if s.site else replace(s, site=site) for s in self.series))

    def places(self, series: tuple[Series, ...]) -> IntArray:
        """Index of each series in this model, -1 for one it was not trained on."""
        at = {s: i for i, s in enumerate(self.series)}
        return np.array([at.get(s, -1) for s in series], dtype=np.int64)


class Forecast(NamedTuple):
    """Value and interval [S, O, L]; NaN where the model does not know enough of the series."""

    value: FloatArray
    low: FloatArray
    high: FloatArray

    def stretched(self, stretch: FloatArray, leads: IntArray) -> Forecast:
        """With the interval stretched about the value. `stretch` [S, blocks]"""
        factor = stretch[:, None, block_of(leads)]
        low, high = self.value - factor * (self.value - self.low), self.value + factor * (self.high - self.value)
        return Forecast(self.value, low, high)


def units_for(model: Model, past: HourlyHistory) -> Units:
    """Units of each series: the model's, or from its own past for a new one."""
    place = model.places(past.series)
    scale, centre, swing = (a[place] for a in (model.units.scale, model.units.centre, model.units.swing))
    if (new := place < 0).any():
        own = units_of(past.y[new])
        scale[new], centre[new], swing[new] = own.scale, own.centre, own.swing
    return Units(scale, centre, swing)


def forecast(model: Model, history: HourlyHistory, origins: IntArray, leads: IntArray) -> Forecast:
    """Forecast every series at each origin (a row number: the last row used) for each lead, interval as the network
    has it.

    `history` may go on after an origin; of what follows it only the weather is looked at, as its forecast. The units
    of a series that is new to the model come from what is before the first origin's end."""
    first = int(origins.min())
    skip = max(first + 1 - SPAN - max(REVIEWED_H), 0)
    panel = panel_of(history, units_for(model, history.until(first + 1)), skip)
    origins = origins - skip
    raw = residuals(model, panel, history, origins, leads)  # [S, O, L, 3] residuals in scales
    added = _of_weather(model, panel, history, origins, leads)
    there = np.isfinite(added)
    raw += np.where(there, added, 0.0)[..., None]
    if (later := leads > 1).any() and model.horizon >= DAY:  # at one hour there is no such thing left to correct
        raw[:, :, later] += np.where(there, *_reviewed(model, panel, history, origins))[:, :, later, None]
    base = panel.base[:, origins[:, None] + leads]
    told = base[..., None] + panel.units.scale[:, None, None, None] * raw
    low, value, high = np.moveaxis(np.where(_enough(panel, origins)[..., None, None], told, np.nan), -1, 0)
    return Forecast(value, low, high)


def _enough(panel: Panel, origins: IntArray) -> BoolArray:
    """Where the last week before an origin has hours enough for the model. [S, O]"""
    week = SPAN + origins[:, None] + 1 - np.arange(1, WEEK + 1)
    return cast(BoolArray, panel.seen[:, week].sum(2) >= MIN_SEEN_WEEK_H)


def _reviewed(model: Model, panel: Panel, history: HourlyHistory, origins: IntArray) -> tuple[FloatArray, FloatArray]:
    """What to add at each origin for what the days of the last forecasts were off by, in scales: of forecasts with
    weather, and of those without. Two of [S, O, 1]

    The network has one answer for all sensors and seasons; this follows what is a sensor's own just now."""
    wanted = origins[:, None] - np.array(REVIEWED_H)
    made_at = np.unique(wanted[wanted >= 0])
    off = np.full((2, len(history.series), len(made_at) + 1), np.nan)  # the last: before the history
    if len(made_at):
        leads = np.arange(1, DAY + 1)
        day = replace(model, parts=(model.part_for(DAY),))  # without the networks of the next hours: half of the work
        middle = residuals(day, panel, history, made_at, leads)[..., 1]
        rows = SPAN + made_at[:, None] + leads
        errors = np.where(panel.seen[:, rows] > 0, panel.z[:, rows] - middle, np.nan)
        added = _of_weather(day, panel, history, made_at, leads)
        both = [errors - np.nan_to_num(added), errors] if np.isfinite(added).any() else [errors]
        off[:, :, :-1] = off_by(np.stack(both))
    days = off[:, :, np.where(wanted >= 0, np.searchsorted(made_at, wanted), -1)]
    seen = np.isfinite(days)
    mean = np.where(seen, days, 0.0).sum(3, keepdims=True) / np.maximum(seen.sum(3, keepdims=True), 1)
    with_weather, without = REVIEW_GAIN * mean
    return with_weather, without


def off_by(errors: FloatArray) -> FloatArray:
    """What a day was off by as a whole, NaN with few truths. `errors` [..., hours], NaN where unknown."""
    told = np.isfinite(errors).sum(-1) >= REVIEW_LEAST
    return cast(FloatArray, np.nanmedian(np.where(told[..., None], errors, 0.0), -1) + np.where(told, 0.0, np.nan))


def residuals(model: Model, panel: Panel, history: HourlyHistory, origins: IntArray, leads: IntArray) -> FloatArray:
    """Low, middle, high of the residual, in scales, without weather and before the stretch. [S, O, L, 3]"""
    series = len(history.series)
    out = np.zeros((series * len(origins), len(leads), 3))
    line, origin = np.repeat(np.arange(series), len(origins)), np.tile(origins, series)
    known = model.places(history.series) + 1
    asked = [model.part_for(int(lead)).last for lead in leads]
    for start in range(0, len(line), WINDOWS_AT_ONCE):
        cut = slice(start, start + WINDOWS_AT_ONCE)
        batch = gather(panel, line[cut], origin[cut], np.tile(leads, (len(line[cut]), 1)))
        for part in model.parts:
            if (columns := np.flatnonzero(np.equal(asked, part.last))).size:
                out[cut, columns] = part.answer(batch._replace(lead=batch.lead[:, columns]), known[line[cut]])
    return out.reshape(series, len(origins), len(leads), 3)


def _of_weather(model: Model, panel: Panel, history: HourlyHistory, origins: IntArray, leads: IntArray) -> FloatArray:
    """What weather adds to the residual, in scales; NaN where the weather is not known. [S, O, L]"""
    out = np.full((len(history.series), len(origins), len(leads)), np.nan)
    known = model.places(history.series) + 1
    asked = [model.part_for(int(lead)).last for lead in leads]
    for part in model.parts:
        columns = np.flatnonzero(np.equal(asked, part.last))
        if part.weather is not None and columns.size:
            out[:, :, columns] = weather_lines.answer(part.weather, panel, known, origins, leads[columns])
    return out
