"""From history to a model: which parts, how long, the last weeks held out to stretch the interval and to judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecaster import conformal, linear
from forecaster.dataset import BoolArray, FloatArray, HourlyHistory, IntArray
from forecaster.fallback import DAY, LEAST_H, WEEK, mean_of_weeks, scale_of, units_of
from forecaster.panel import Panel, panel_of
from forecaster.predict import Forecast, Model, Part, forecast
from forecaster.sampling import usable_origins
from forecaster.train import Block, train

HELD_OUT_H = 14 * DAY  # judged and calibrated on; never trained on
CALIBRATE_H = 28 * DAY  # with more history, four weeks stretch the interval more surely than two
MANY = 200  # series, from which on fewer origins of each are judged
JUDGED_LEADS = (1, 2, 3, 6, 12, 24)
# Steps of a part by its last lead: (series, hour) pairs for one step, and the bounds; those of a part that ends between
# two of these lie between theirs. Fewer pairs for a step overfit; below the least nothing is learnt, above the most
# nothing is gained. There is more to be learnt of near hours than of far ones, and of these it is then learnt by
# heart: one part for the whole day is too short for the first half of it.
PLANS = {1: (75, 200, 1200), 4: (110, 120, 700), 12: (150, 120, 600), 24: (350, 120, 600)}
BETWEEN = (4, 12)  # last leads of the parts between the next hour and the day
NEAREST = 4  # last lead of a part between for which one network is enough
BETWEEN_FROM = 30_000  # pairs; a single sensor-year should not take longer to learn
WINDOWS, LEAST_WINDOWS = 512, 128  # of a step; a single sensor-year has few that differ, and gets fewer
REFRESH = 0.6  # of the steps, to learn the held-out weeks at the end: recent water use says most
# Networks of a part, whose mean counts: pairs from which on, for the next hour, within the day (NEAREST has one), past
# it, where five were no better than two. One has to do for a single sensor-year, which should not take longer to
# learn; a large fleet has enough to learn from.
MEMBERS = ((0, 1, 1, 1), (BETWEEN_FROM, 3, 4, 2), (1_000_000, 2, 2, 2))


@dataclass(frozen=True)
class Judgement:
    """Mean absolute errors over the held-out days in scales, per series: the model's and the seasonal naive's."""

    model: FloatArray
    naive: FloatArray
    coverage: FloatArray

    @property
    def means(self) -> tuple[float, float, float]:
        """Model, naive and coverage, each the mean over the series that have any."""
        return _mean(self.model), _mean(self.naive), _mean(self.coverage)


def _mean(values: FloatArray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


Report = Callable[[str, int, int, float], None]  # part, step, steps, loss


def blocks_for(horizon: int, pairs: int) -> list[Block]:
    """Parts to train for a horizon in hours, given how many (series, hour) pairs there are."""

    windows = min(WINDOWS, max(LEAST_WINDOWS, pairs // 64))
    near, day, week = next(counts for least, *counts in reversed(MEMBERS) if pairs >= least)
    between = [last for last in BETWEEN if pairs >= BETWEEN_FROM]
    lasts = {1, min(horizon, DAY), horizon} | {last for last in between if last < horizon}

    def members(last: int) -> int:
        if last <= NEAREST:
            return near if last == 1 else 1
        return day if last <= DAY else week

    return [Block(1, last, _steps(last, pairs), windows, members(last)) for last in sorted(lasts)]


def _steps(last: int, pairs: int) -> int:
    """Steps of a part that ends with the lead `last`."""
    pairs_a_step, least, most = (np.interp(last, list(PLANS), plan) for plan in zip(*PLANS.values(), strict=True))
    return int(max(least, min(most, pairs // pairs_a_step)))


def fit(
    history: HourlyHistory,
    *,
    until_row: int,
    horizon: int,
    version: str,
    seed: int = 0,
    report: Report | None = None,
    blocks: list[Block] | None = None,
) -> Model:
    """Train on rows before `until_row` only, the last weeks of which stretch the interval and are not learnt.

    `blocks` replaces the plan that follows from the size of the history.

    Raises:
        ValueError: no series has enough history."""
    past = history.until(until_row)
    units = units_of(past.y)
    if past.rows < LEAST_H or not np.isfinite(units.scale).any():
        raise ValueError(f"{past.rows // DAY} days of history; {LEAST_H // DAY} are needed")
    held = CALIBRATE_H if past.rows >= 3 * CALIBRATE_H else HELD_OUT_H
    learn_until = past.rows - held
    panel = panel_of(past, units)
    known = np.arange(1, len(past.series) + 1)
    pairs = len(usable_origins(panel, WEEK, learn_until - 1))
    if not pairs:
        raise ValueError("too many gaps: no week has a day of values")
    parts = []
    for block in blocks or blocks_for(horizon, pairs):
        networks = [
            train(
                panel,
                known,
                block,
                until_row=learn_until,
                seed=seed * block.members + number,
                progress=_named(report, block, number),
            )
            for number in range(block.members)
        ]
        parts.append(Part(block.first, block.last, tuple(networks), _lines(panel, block, learn_until, seed)))
    blank = np.ones((len(past.series) + 1, len(conformal.LEAD_BLOCKS)))
    model = Model(version, past.series, units, tuple(parts), blank)
    return replace(model, stretch=stretch_of(model, past, learn_until))


def refresh(
    model: Model,
    history: HourlyHistory,
    *,
    until_row: int,
    seed: int = 0,
    report: Report | None = None,
    blocks: list[Block] | None = None,
) -> Model:
    """The model once the held-out weeks have been learnt too, from rows before `until_row` only.

    To be done after judging; the stretches stay as they were found on rows that were not learnt."""
    past = history.until(until_row)
    panel = panel_of(past, model.units)
    known = np.arange(1, len(past.series) + 1)
    pairs = len(usable_origins(panel, WEEK, past.rows - 1))
    parts = []
    for part in model.parts:
        usual = next(
            b for b in blocks or blocks_for(model.horizon, pairs) if (b.first, b.last) == (part.first, part.last)
        )
        block = replace(usual, steps=max(int(usual.steps * REFRESH), 1))
        networks = [
            train(
                panel,
                known,
                block,
                until_row=past.rows,
                seed=seed * 1000 + number,
                start=network,
                progress=_named(report, block, number, "refresh "),
            )
            for number, network in enumerate(part.networks)
        ]
        parts.append(Part(part.first, part.last, tuple(networks), _lines(panel, block, past.rows, seed)))
    return replace(model, parts=tuple(parts))


def _lines(panel: Panel, block: Block, until_row: int, seed: int) -> linear.Lines | None:
    """The lines beside the networks of a part that goes on past the day."""
    if block.last <= DAY:
        return None
    known = np.arange(1, len(panel.kind) + 1)
    return linear.learn(panel, known, (DAY + 1, block.last), until_row=until_row, seed=seed)


def _named(report: Report | None, block: Block, seed: int, what: str = "") -> Callable[[int, int, float], None] | None:
    if report is None:
        return None
    name = f"{what}leads {block.first}-{block.last}" + (f" seed {seed + 1}" if seed else "")
    return lambda step, steps, loss: report(name, step, steps, loss)


def held_out_origins(rows: int, first_row: int, horizon: int, every: int = 6) -> IntArray:
    """Origins whose targets lie in first_row..rows - 1, every `every` hours (at least one)."""
    last = max(rows - 1 - horizon, first_row - 1)
    return np.arange(first_row - 1, last + 1, every)


def stretch_of(model: Model, past: HourlyHistory, first_row: int) -> FloatArray:
    """Interval stretches from forecasts of the rows from `first_row` on."""
    leads = np.unique(np.r_[1, 2, 4, 12, 24, 72, 120, 168, model.horizon])
    leads = leads[leads <= min(model.horizon, past.rows - first_row)]
    every = 5 + 6 * (len(past.series) // MANY)
    origins = held_out_origins(past.rows, first_row, int(leads.max()), every=every)
    made = forecast(model, past, origins, leads)
    truth = past.y[:, origins[:, None] + leads[None]]
    return conformal.calibrate(conformal.ratio(truth, made.low, made.value, made.high), leads)


def judge(model: Model, past: HourlyHistory, first_row: int) -> Judgement:
    """The model beside the seasonal naive on the rows from `first_row` on, the same pairs for both."""
    leads = np.array([lead for lead in JUDGED_LEADS if lead <= model.horizon])
    every = 1 + len(past.series) // MANY  # of a thousand sensors not each hour has to be forecast to judge
    origins = held_out_origins(past.rows, first_row, int(leads.max()), every=every)
    made = forecast(model, past, origins, leads)
    rows = origins[:, None] + leads[None]
    return _compare(made, past, rows, scale_of(past.until(first_row).y))


def _compare(made: Forecast, past: HourlyHistory, rows: IntArray, scale: FloatArray) -> Judgement:
    truth = past.y[:, rows]
    week_ago = past.y[:, rows - WEEK]
    base = mean_of_weeks(past.y).level[:, rows]
    naive = np.where(np.isfinite(week_ago), week_ago, base)
    value = np.where(np.isfinite(made.value), made.value, naive)
    both = np.isfinite(truth) & np.isfinite(naive)
    inside = (made.low <= truth) & (truth <= made.high)
    seen = np.isfinite(truth) & np.isfinite(made.low)

    def mean(a: FloatArray | BoolArray, use: BoolArray) -> FloatArray:
        total = np.where(use, a, 0.0).sum((1, 2))
        return np.where(use.any((1, 2)), total / np.maximum(use.sum((1, 2)), 1), np.nan)

    return Judgement(
        mean(np.abs(value - truth), both) / scale, mean(np.abs(naive - truth), both) / scale, mean(inside, seen)
    )
