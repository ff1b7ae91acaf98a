"""Forecasts of a trained model at given origins: value and 90 % interval in the series' own unit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from forecaster import linear, mix_naive, review
from forecaster.conformal import block_of
from forecaster.dataset import BoolArray, FloatArray, HourlyHistory, IntArray, Series
from forecaster.fallback import DAY, Units, units_of
from forecaster.features import SPAN, Array
from forecaster.forward import Weights, quantiles
from forecaster.gather import Batch, gather
from forecaster.panel import Panel, panel_of

WINDOWS_AT_ONCE = 256  # their inputs stay in the processor's cache
NARROW = 2 / 3  # of the narrowest part's answer, where a wider one is asked too
MIN_SEEN_WEEK_H = 24  # with less of the last week, the model knows nothing that the base does not


@dataclass(frozen=True)
class Part:
    """The networks (one a seed; their mean counts) that answer leads `first`..`last`, and the lines beside them."""

    first: int
    last: int
    networks: tuple[Weights, ...]
    lines: linear.Lines | None = None

    def answer(self, batch: Batch, known: IntArray) -> Array:
        """Low, middle and high of the residual. [B, L, 3]"""
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

    def parts_for(self, lead: int) -> list[tuple[Part, float]]:
        """The parts that answer this lead, and how much each counts; the most special one first.

        Past the next hour the one that is a little wider helps: it was learnt more briefly, and errs elsewhere."""
        able = [p for p in self.parts if p.first <= lead <= p.last] or [max(self.parts, key=lambda p: p.last)]
        narrow, *wider = sorted(able, key=lambda p: p.last - p.first)
        if lead == 1 or not wider or (narrow.last <= DAY) != (wider[0].last <= DAY):
            return [(narrow, 1.0)]
        return [(narrow, NARROW), (wider[0], 1 - NARROW)]

    def places(self, series: tuple[Series, ...]) -> IntArray:
        """Index of each series in this model, -1 for one it was not trained on."""
        at = {s: i for i, s in enumerate(self.series)}
        return np.array([at.get(s, -1) for s in series], dtype=np.int64)


@dataclass(frozen=True)
class Forecast:
    """Values [S, O, L]; NaN where the model does not know enough of the series (the caller falls back).

    `guesses` [S, O, L, guesses] are what may count beside them; `before` [S, O, guesses] are those of the origin's own
    hour, whose truth has come."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    guesses: FloatArray
    before: FloatArray

    def mixed(self, shares: FloatArray, leads: IntArray) -> Forecast:
        """Moved towards the guesses by `shares[series, block, guess]` of the way, the interval along with the value."""
        move = mix_naive.towards(self.value, self.guesses, shares[:, None, block_of(leads)])
        return replace(self, value=self.value + move, low=self.low + move, high=self.high + move)


@dataclass(frozen=True)
class OnlineCorrections:
    """What follows the truth as it comes in: the interval's stretches [S, blocks], the shares [S, blocks, guesses]."""

    stretch: FloatArray
    shares: FloatArray


def units_for(model: Model, past: HourlyHistory) -> Units:
    """Units of each series: the model's, or from its own past for a new one."""
    place = model.places(past.series)
    scale, centre, swing = (a[place] for a in (model.units.scale, model.units.centre, model.units.swing))
    if (new := place < 0).any():
        own = units_of(past.y[new])
        scale[new], centre[new], swing[new] = own.scale, own.centre, own.swing
    return Units(scale, centre, swing)


def stretches_for(model: Model, series: tuple[Series, ...]) -> FloatArray:
    """Interval stretches [S, blocks] as they were after training; those of unknown series for a new one."""
    return model.stretch[model.places(series)]  # place -1 = the last line


def forecast(
    model: Model,
    history: HourlyHistory,
    origins: IntArray,
    leads: IntArray,
    *,
    stretch: FloatArray | None = None,
    units_until: int | None = None,
) -> Forecast:
    """Forecast every series at each origin (a row number: the last row used) for each lead (1..model.horizon).

    `history` may go on after an origin; what follows it is not looked at, and the units of a series that is new to
    the model come from before row `units_until` (default: the first origin's end). `stretch` [S, blocks] of the
    interval (default: as after training)."""
    before = int(origins.min()) + 1 if units_until is None else units_until
    skip = max(int(origins.min()) + 1 - SPAN - max(review.DAYS_BACK_H), 0)
    panel = panel_of(history, units_for(model, history.until(before)), skip)
    origins = origins - skip
    raw = residuals(model, panel, history, origins, leads)  # [S, O, L, 3] residuals in scales
    if (later := leads > 1).any() and model.horizon >= DAY:  # at one hour there is no such thing left to correct
        raw[:, :, later] += _reviewed(model, panel, history, origins, leads[later])[..., None]
    if stretch is None:
        stretch = stretches_for(model, history.series)
    wide = stretch[:, None, :][:, :, block_of(leads)]
    unit = panel.units.scale[:, None, None]
    base = panel.base[:, origins[:, None] + leads[None]]
    guesses = mix_naive.guesses(panel, history.y[:, skip:], origins, np.r_[0, leads])
    middle = base + unit * raw[..., 1]
    low = middle - unit * wide * (raw[..., 1] - raw[..., 0])
    high = middle + unit * wide * (raw[..., 2] - raw[..., 1])
    value = np.where(_enough(panel, origins)[:, :, None], middle, np.nan)
    return Forecast(value, low + 0 * value, high + 0 * value, guesses[:, :, 1:], guesses[:, :, 0])


def _enough(panel: Panel, origins: IntArray) -> BoolArray:
    seen = np.pad(panel.seen.cumsum(1), ((0, 0), (1, 0)))
    last = origins + SPAN + 1
    return cast(BoolArray, (seen[:, last] - seen[:, last - 168]) >= MIN_SEEN_WEEK_H)


def _reviewed(model: Model, panel: Panel, history: HourlyHistory, origins: IntArray, leads: IntArray) -> FloatArray:
    """What to add at each origin for the errors of the last days' forecasts, in scales. [S, O, L]"""
    wanted = origins[:, None] - np.array(review.DAYS_BACK_H)
    made_at = np.unique(wanted[wanted >= 0])
    off = np.full((len(history.series), len(made_at) + 1, DAY), np.nan)  # the last: before the history
    if len(made_at):
        part, _ = model.parts_for(DAY)[0]
        day = replace(model, parts=(part,))  # without the networks of the next hours: half of the work
        middle = residuals(day, panel, history, made_at, review.LEADS)[..., 1]
        rows = SPAN + made_at[:, None] + review.LEADS
        off[:, :-1] = np.where(panel.seen[:, rows] > 0, panel.z[:, rows] - middle, np.nan)
    place = np.where(wanted >= 0, np.searchsorted(made_at, wanted), -1)
    return review.correction(off[:, place], leads)


def residuals(model: Model, panel: Panel, history: HourlyHistory, origins: IntArray, leads: IntArray) -> FloatArray:
    """Low, middle, high of the residual, in scales, before the stretch. [S, O, L, 3]"""
    series = len(history.series)
    out = np.zeros((series * len(origins), len(leads), 3))
    line, origin = np.repeat(np.arange(series), len(origins)), np.tile(origins, series)
    known = model.places(history.series) + 1
    asked = [model.parts_for(int(lead)) for lead in leads]
    for start in range(0, len(line), WINDOWS_AT_ONCE):
        cut = slice(start, start + WINDOWS_AT_ONCE)
        batch = gather(panel, line[cut], origin[cut], np.tile(leads, (len(line[cut]), 1)))
        for part in model.parts:
            counts = np.array([sum(count for p, count in parts if p is part) for parts in asked])
            if (columns := np.flatnonzero(counts)).size:
                answer = part.answer(replace(batch, lead=batch.lead[:, columns]), known[line[cut]])
                out[cut, columns] += counts[columns, None] * answer
    return out.reshape(series, len(origins), len(leads), 3)
