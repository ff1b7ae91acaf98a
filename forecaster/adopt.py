"""Series that a model has not learnt: what its answer lacks for them is learnt from their own weeks, as a line each.

The networks stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecaster import linear
from forecaster.dataset import BoolArray, HourlyHistory, IntArray
from forecaster.fallback import DAY, WEEK, Units
from forecaster.features import Array
from forecaster.fit import CALIBRATE_H, judge, stretch_of
from forecaster.gather import gather, targets
from forecaster.panel import Panel, panel_of
from forecaster.predict import Model, Part, units_for
from forecaster.sampling import drawn, usable_origins

LEAST_PAIRS = 28 * DAY  # hours to learn from; with fewer the model's answer for an unknown series is better
MOST_WINDOWS = 3_000
PENALTY = 2_000.0  # much against linear.PENALTY: the model's answer is good already
WORSE = 1.1  # error against that without the line, from which on it is not taken: four weeks do not tell less for sure


def adopted(model: Model, history: HourlyHistory, until_row: int, seed: int = 0) -> Model:
    """The model with lines for those series of the history that it does not know, from rows before `until_row` only.

    The last four weeks of them stretch the intervals and are asked for harm: a line that makes its series clearly
    worse there is not taken. The others stay unknown, as does a series with too little history."""
    held = until_row - CALIBRATE_H
    first = _with_lines(model, history.until(max(held, 0)), model.places(history.series) < 0, seed)
    new = np.array([s not in model.series and s in first.series for s in history.series], dtype=bool)
    if not new.any():
        return model
    past = history.until(until_row)
    fit_for_it = judge(first, past, held).model < WORSE * judge(model, past, held).model
    if not (new & fit_for_it).any():
        return model
    last = _with_lines(model, past, new & fit_for_it, seed)
    stretch = stretch_of(first, past, held)[:-1]
    own = [stretch[past.series.index(s)] for s in last.series[len(model.series) :]]
    return replace(last, stretch=np.stack([*model.stretch[:-1], *own, model.stretch[-1]]))


def _with_lines(model: Model, past: HourlyHistory, wanted: BoolArray, seed: int) -> Model:
    """The model with a line for each wanted series that has enough history; all others as they were."""
    units = units_for(model, past)
    panel = panel_of(past, units)
    pairs = usable_origins(panel, WEEK, past.rows - 1)
    counts = np.bincount(pairs[:, 0], minlength=len(past.series))
    new = np.flatnonzero(wanted & (counts >= LEAST_PAIRS))
    random = np.random.default_rng(seed)
    parts = []
    for part in model.parts:
        lines = [_line(part, panel, pairs[pairs[:, 0] == s], random) for s in new]
        parts.append(_extended(part, np.stack(lines)) if lines else part)
    both = [np.concatenate([getattr(model.units, n), getattr(units, n)[new]]) for n in ("scale", "centre", "swing")]
    stretch = np.concatenate([model.stretch[:-1], np.tile(model.stretch[-1], (len(new) + 1, 1))])
    series = (*model.series, *(past.series[s] for s in new))
    return replace(model, series=series, units=Units(*both), parts=tuple(parts), stretch=stretch)


def _line(part: Part, panel: Panel, pairs: IntArray, random: np.random.Generator) -> Array:
    """A line for what the part's answer lacks for one series, from the (series, origin) pairs. [SHARED + LEAD]"""
    windows = min(MOST_WINDOWS, len(pairs) // linear.PAIRS_A_WINDOW + 1)
    series, origin = drawn(pairs)(windows, random).T
    first = part.first if part.last <= DAY else DAY + 1  # what is nearer has a part of its own
    ahead = random.integers(first, part.last + 1, (windows, min(linear.LEADS_A_WINDOW, part.last - first + 1)))
    truth, seen = targets(panel, series, origin, ahead)
    use = (seen > 0) & (origin[:, None] + ahead < panel.rows)
    batch = gather(panel, series, origin, ahead)
    lacks = truth - part.answer(batch, np.zeros(windows, dtype=np.int64))[..., 1]
    x, middle, spread = linear.scaled(linear.inputs(batch)[use])
    weight, _ = linear.robust(x, lacks[use], PENALTY)
    line: Array = linear.unscaled(weight[None].astype(np.float64), middle, spread)[0]
    return line


def _extended(part: Part, lines: Array) -> Part:
    """The part for as many series more as there are lines, which are added to its answer for an unknown one."""
    networks = []
    for network in part.networks:
        embedding, own = network["embedding.weight"], network["own_skip.weight"]
        unknown = np.tile(embedding[:1], (len(lines), 1))
        more = {"embedding.weight": np.concatenate([embedding, unknown])}
        more["own_skip.weight"] = np.concatenate([own, own[:1] + lines])
        networks.append({**network, **more})
    known = part.lines
    both = None if known is None else np.concatenate([known, known[:1] + lines])
    return replace(part, networks=tuple(networks), lines=both)
