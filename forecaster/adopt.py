"""Series that a model has not learnt: a linear correction of its answer is fitted to each one's own weeks.

The networks stay as they are; the correction is added to the linear part that they have for each series.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from forecaster import linear
from forecaster.dataset import BoolArray, HourlyHistory, IntArray
from forecaster.fallback import DAY, WEEK, Units
from forecaster.features import Array
from forecaster.fit import CALIBRATE_H, MANY, judge_each, stretch_of
from forecaster.gather import gather, targets
from forecaster.panel import Panel, panel_of
from forecaster.predict import Model, Part, units_for
from forecaster.sampling import drawn, usable_origins

LEAST_PAIRS = 28 * DAY  # hours to learn from; with fewer the model's answer for an unknown series is better
MOST_WINDOWS = 3_000
PENALTY = 2_000.0  # more than linear.PENALTY: the model's answer is good already
WORSE = 1.1  # times the error without the line: such a line is not taken; four weeks cannot tell less apart


def adopted(model: Model, history: HourlyHistory, until_row: int, seed: int = 0) -> Model:
    """The model with lines for those series of the history that it does not know, from rows before `until_row` only.

    Their last four weeks stretch the interval. A line that is clearly worse there is not taken: its series stays
    unknown, as does one with too little history.
    """
    held, past = until_row - CALIBRATE_H, history.until(until_row)
    trial = _with_lines(model, history.until(held), model.places(past.series) < 0, seed)
    if trial is model:
        return model
    new = (model.places(past.series) < 0) & (trial.places(past.series) >= 0)
    every = 1 + len(past.series) // MANY
    error, error_without = (judge_each(m, past, held, every)[0] for m in (trial, model))
    made = _with_lines(model, past, new & (error < WORSE * error_without), seed)
    taken = [past.series.index(s) for s in made.series[len(model.series) :]]
    stretch = [model.stretch[:-1], stretch_of(trial, [past], held)[taken], model.stretch[-1:]]
    return replace(made, stretch=np.concatenate(stretch)) if taken else model


def _with_lines(model: Model, past: HourlyHistory, wanted: BoolArray, seed: int) -> Model:
    """The model with a line for each wanted series that has enough history, and the interval of an unknown one."""
    units = units_for(model, past)
    panel = panel_of(past, units)
    pairs = usable_origins(panel, WEEK, past.rows - 1)
    new = np.flatnonzero(wanted & (np.bincount(pairs[:, 0], minlength=len(wanted)) >= LEAST_PAIRS))
    if not new.size:
        return model
    random = np.random.default_rng(seed)
    parts = []
    for part in model.parts:
        lines = [_line(part, panel, pairs[pairs[:, 0] == s], random) for s in new]
        parts.append(_extended(part, np.stack(lines)))
    both = [np.concatenate([getattr(model.units, n), getattr(units, n)[new]]) for n in ("scale", "centre", "swing")]
    stretch = np.concatenate([model.stretch, np.tile(model.stretch[-1], (len(new), 1))])
    series = (*model.series, *(past.series[s] for s in new))
    return replace(model, series=series, units=Units(*both), parts=tuple(parts), stretch=stretch)


def _line(part: Part, panel: Panel, pairs: IntArray, random: np.random.Generator) -> Array:
    """What the part's answer lacks for the one series of the (series, origin) pairs. [SHARED + LEAD]"""
    windows = min(MOST_WINDOWS, len(pairs) // linear.PAIRS_A_WINDOW + 1)
    series, origin = drawn(pairs)(windows, random).T
    first = 1 if part.last <= DAY else DAY + 1  # the review asks the day's part for all hours of the day
    ahead = random.integers(first, part.last + 1, (windows, linear.LEADS_A_WINDOW))
    truth, seen = targets(panel, series, origin, ahead)
    batch, unknown = gather(panel, series, origin, ahead), np.zeros(windows, dtype=np.int64)
    lacks = truth - part.answer(batch, unknown)[..., 1]
    x, middle, spread = linear.scaled(linear.inputs(batch)[seen > 0])
    line, _ = linear.robust(x, lacks[seen > 0].astype(np.float32), PENALTY)
    return cast(Array, linear.unscaled(line[None].astype(np.float64), middle, spread)[0])


def _extended(part: Part, lines: Array) -> Part:
    """The part with series more at the end, for which it says what it says for an unknown one, plus their lines."""

    def grown(table: Array, more: Array) -> Array:
        return np.concatenate([table, table[:1] + more])

    nothing = np.zeros((len(lines), 1), dtype=np.float32)
    networks = []
    for network in part.networks:
        tables = {"embedding.weight": nothing, "own_skip.weight": lines}
        networks.append({**network, **{name: grown(network[name], more) for name, more in tables.items()}})
    lines_ = None if part.lines is None else grown(part.lines, lines)
    weather = None if part.weather is None else grown(part.weather, np.zeros((len(lines), 1), dtype=np.float32))
    return replace(part, networks=tuple(networks), lines=lines_, weather=weather)
