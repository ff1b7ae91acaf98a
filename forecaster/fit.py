"""From history to a model: which parts, how long, the last weeks held out to stretch the interval and to judge."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from forecaster import conformal, linear, weather_lines
from forecaster.dataset import FloatArray, HourlyHistory, IntArray
from forecaster.fallback import DAY, LEAST_H, WEEK, Units, mean_of_weeks, scale_of, units_of
from forecaster.forward import Weights
from forecaster.online import OnlineCorrections
from forecaster.panel import Panel, panel_of, panel_of_sites
from forecaster.predict import Model, Part, forecast
from forecaster.sampling import usable_origins
from forecaster.train import Block, train

HELD_OUT_H = 14 * DAY  # judged and calibrated on; never trained on
CALIBRATE_H = 28 * DAY  # with more history, four weeks stretch the interval more surely than two
MANY = 200  # series, from which on fewer origins of each are judged
JUDGED_LEADS = (1, 2, 3, 6, 12, 24)
# Steps of a part by its last lead: (series, hour) pairs for one step, and the bounds; interpolated between these leads.
# Fewer pairs for a step overfit. Near leads can be trained longer, far leads overfit first.
PLANS = {1: (75, 200, 1200), 4: (110, 120, 700), 12: (150, 120, 600), 24: (350, 120, 600)}
MUCH = 30_000  # pairs; a single sensor-year has fewer, and should not take longer to learn
BETWEEN = (4, 12)  # last leads of the parts between the next hour and the day, if there is MUCH to learn from
MEMBERS = 2  # networks of a part whose mean counts, if there is MUCH to learn from; else one
WINDOWS, LEAST_WINDOWS = 512, 128  # of a step; a single sensor-year has few that differ, and gets fewer
REFRESH = 0.6  # of the steps, to learn the held-out weeks at the end: recent water use says most


class Judgement(NamedTuple):
    """Of the held-out days, means over the series: errors of the model and of the seasonal naive in scales, and the
    share of truths inside of the interval."""

    model: float
    naive: float
    coverage: float


Report = Callable[[str, int, int, float], None]  # part, step, steps, loss


def blocks_for(horizon: int, pairs: int) -> list[Block]:
    """Parts to train for a horizon in hours, given how many (series, hour) pairs there are."""
    much = pairs >= MUCH
    lasts = {1, min(horizon, DAY), horizon, *(last for last in BETWEEN if much and last < horizon)}
    windows = min(WINDOWS, max(LEAST_WINDOWS, pairs // 64))
    return [Block(last, _steps(last, pairs), windows, MEMBERS if much else 1) for last in sorted(lasts)]


def _steps(last: int, pairs: int) -> int:
    """Steps of a part that ends with the lead `last`."""
    pairs_a_step, least, most = (np.interp(last, list(PLANS), plan) for plan in zip(*PLANS.values(), strict=True))
    return int(max(least, min(most, pairs // pairs_a_step)))


def fit(
    *histories: HourlyHistory,
    until_row: int,
    horizon: int,
    version: str,
    seed: int = 0,
    report: Report | None = None,
    blocks: list[Block] | None = None,
) -> Model:
    """Train on rows before `until_row` only, the last weeks of which stretch the interval and are not learnt.

    Several histories are of sites, on the same rows; the model is one for all of them.

    `blocks` replaces the plan that follows from the size of the history.

    Raises:
        ValueError: no series has enough history."""
    past = [history.until(until_row) for history in histories]
    units = Units.joined(units_of(one.y) for one in past)
    if until_row < LEAST_H or not np.isfinite(units.scale).any():
        raise ValueError(f"{until_row // DAY} days of history; {LEAST_H // DAY} are needed")
    held = CALIBRATE_H if until_row >= 3 * CALIBRATE_H else HELD_OUT_H
    learn_until = until_row - held
    panel = _panel(past, units)
    pairs = len(usable_origins(panel, WEEK, learn_until - 1))
    if not pairs:
        raise ValueError("too many gaps: no week has a day of values")
    blocks = blocks or blocks_for(horizon, pairs)
    parts = _learnt(panel, blocks, until_row=learn_until, seed=seed, report=report)
    series = tuple(s for one in past for s in one.series)
    model = Model(version, series, units, parts, np.ones((len(series) + 1, len(conformal.LEAD_BLOCKS))))
    return replace(model, stretch=stretch_of(model, past, learn_until))


def _panel(past: Sequence[HourlyHistory], units: Units) -> Panel:
    return panel_of(past[0], units) if len(past) == 1 else panel_of_sites(past, units)


def refresh(
    model: Model,
    *histories: HourlyHistory,
    until_row: int,
    seed: int = 0,
    report: Report | None = None,
    blocks: list[Block] | None = None,
) -> Model:
    """The model once the held-out weeks have been learnt too, from rows before `until_row` only.

    To be done after judging; the stretches stay as they were found on rows that were not learnt."""
    panel = _panel([history.until(until_row) for history in histories], model.units)
    plan = blocks or blocks_for(model.horizon, len(usable_origins(panel, WEEK, until_row - 1)))
    start = {part.last: part.networks for part in model.parts}
    shorter = [replace(b, steps=max(int(b.steps * REFRESH), 1)) for b in plan if b.last in start]
    parts = _learnt(panel, shorter, until_row=until_row, seed=seed, report=report, start=start)
    return replace(model, parts=parts)


def _learnt(
    panel: Panel,
    blocks: list[Block],
    *,
    until_row: int,
    seed: int,
    report: Report | None,
    start: Mapping[int, tuple[Weights, ...]] | None = None,
) -> tuple[Part, ...]:
    """A part for each block, learnt from nothing, or on from the networks in `start` of its last lead."""
    parts = []
    for block in blocks:
        networks = []
        for number, first in enumerate(start[block.last] if start else [None] * block.members):
            name = f"{'refresh ' if start else ''}leads 1-{block.last} network {number + 1}"
            progress = functools.partial(report, name) if report else None
            own_seed = 1000 * seed + number
            weights = train(panel, block, until_row=until_row, seed=own_seed, start=first, progress=progress)
            networks.append(weights)
        lines = linear.learn(panel, block.last, until_row=until_row, seed=seed) if block.last > DAY else None
        # What weather does to the next hour, the last one has told.
        weather = weather_lines.learn(panel, block.last, until_row=until_row, seed=seed) if block.last > 1 else None
        parts.append(Part(block.last, tuple(networks), lines, weather))
    return tuple(parts)


def held_out_origins(rows: int, first_row: int, horizon: int, every: int = 6) -> IntArray:
    """Origins whose targets lie in first_row..rows - 1, every `every` hours (at least one)."""
    last = max(rows - 1 - horizon, first_row - 1)
    return np.arange(first_row - 1, last + 1, every)


def stretch_of(model: Model, sites: Sequence[HourlyHistory], first_row: int) -> FloatArray:
    """Interval stretches from forecasts of the rows from `first_row` on."""
    rows = sites[0].rows
    leads = np.unique(np.r_[1, 2, 4, 12, 24, 72, 120, 168, model.horizon])
    leads = leads[leads <= min(model.horizon, rows - first_row)]
    every = 5 + 6 * (sum(len(past.series) for past in sites) // MANY)
    origins = held_out_origins(rows, first_row, int(leads.max()), every=every)
    ratios = []
    for past in sites:
        made = forecast(model, past, origins, leads)
        truth = past.y[:, origins[:, None] + leads]
        ratios.append(conformal.ratio(truth, made.low, made.value, made.high))
    return conformal.calibrate(np.concatenate(ratios), leads)


def judge(model: Model, sites: Sequence[HourlyHistory], first_row: int) -> Judgement:
    """The model beside the seasonal naive on the rows from `first_row` on, the same pairs for both."""
    # Of a thousand sensors not each hour has to be forecast to judge.
    every = 1 + sum(len(past.series) for past in sites) // MANY
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        each = np.concatenate([judge_each(model, past, first_row, every) for past in sites], axis=1)
        return Judgement(*np.nanmean(each, axis=1).tolist())


def judge_each(model: Model, past: HourlyHistory, first_row: int, every: int = 1) -> FloatArray:
    """What a `Judgement` tells, of each series; NaN where nothing is. [3, S]"""
    leads = np.array([lead for lead in JUDGED_LEADS if lead <= model.horizon])
    origins = held_out_origins(past.rows, first_row, int(leads.max()), every=every)
    made = forecast(model, past, origins, leads).stretched(OnlineCorrections.start(model, past.series).stretch, leads)
    rows = origins[:, None] + leads
    truth, week_ago = past.y[:, rows], past.y[:, rows - WEEK]
    naive = np.where(np.isfinite(week_ago), week_ago, mean_of_weeks(past.y).level[:, rows])
    value = np.where(np.isfinite(made.value), made.value, naive)
    inside = np.where(np.isfinite(made.low), (made.low <= truth) & (truth <= made.high), np.nan) + 0 * truth
    scale = scale_of(past.until(first_row).y)[:, None, None]
    both = np.isfinite(value - truth)
    errors = (np.where(both, np.abs(said - truth) / scale, np.nan) for said in (value, naive))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.stack([np.nanmean(a, axis=(1, 2)) for a in (*errors, inside)])
