"""A linear model on the network's own inputs, common to all series and each series' own: ridge regression.

It is blended into the answer past the day, where little can be told and the network overfits: 3 % better in a summer
and in an autumn. Within the day the network alone is better.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from forecaster.dataset import FloatArray, IntArray
from forecaster.fallback import DAY, WEEK
from forecaster.features import SHARED, SHARED_INPUTS, Array, columns
from forecaster.gather import Batch, gather, targets
from forecaster.panel import Panel
from forecaster.sampling import drawn, usable_origins

SHARE = 0.4  # of the answer for the week
MOST_WINDOWS = 15_000
PAIRS_A_WINDOW = 4  # windows overlap: with fewer pairs to draw from, fewer say anything new
LEADS_A_WINDOW = 4
AT_ONCE = 2048  # bounds memory
PENALTY = 600.0  # in rows: how many of them a weight needs to be believed half
LEAST_SPREAD = 0.02  # of an input, below which it counts as constant
PASSES, LEAST_ERROR = 3, 0.3  # reweighted towards the median: an error counts by its size, not by its square

Lines = Array  # weights [known + 1, SHARED + LEAD]; line 0 is that of an unknown series


def answer(lines: Lines, batch: Batch, known: IntArray) -> Array:
    """The residual that the line of each window's series gives. [B, L]"""
    line = lines[known]
    straight = (batch.shared * line[:, :SHARED]).sum(1)
    return cast(Array, straight[:, None] + (batch.lead @ line[:, SHARED:, None])[..., 0])


class Sample(NamedTuple):
    """(series, origin, lead) that have a truth: inputs [N, SHARED + LEAD], truth in scales, and which they are, [N]."""

    x: Array
    truth: Array
    series: IntArray
    origin: IntArray
    lead: IntArray


def learn(panel: Panel, last: int, *, until_row: int, seed: int) -> Lines:
    """Lines for leads up to `last`, from rows before `until_row`. Line 0 is for an unknown series."""
    return fitted(sample(panel, last, until_row=until_row, seed=seed), len(panel.kind))


def sample(panel: Panel, last: int, *, until_row: int, seed: int) -> Sample:
    """What lines are learnt from: leads up to `last`, past the day only if it is further; rows before `until_row`."""
    random = np.random.default_rng(seed)
    pairs = usable_origins(panel, WEEK, until_row - 1)
    windows = min(MOST_WINDOWS, len(pairs) // PAIRS_A_WINDOW + 1)
    pick = drawn(pairs)(windows, random)
    ahead = random.integers(DAY + 1 if last > DAY else 1, last + 1, (windows, LEADS_A_WINDOW))
    parts = [_rows(panel, pick[a : a + AT_ONCE], ahead[a : a + AT_ONCE], until_row) for a in range(0, windows, AT_ONCE)]
    return Sample(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def fitted(sample: Sample, known: int) -> Lines:
    """Lines of `known` series."""
    _, truth, series, _, _ = sample
    x, middle, spread = scaled(sample.x)
    common, weight = robust(x, truth, PENALTY)
    left = truth - x @ common
    lines = np.tile(common.astype(np.float64), (known + 1, 1))
    for number in np.unique(series):
        own = series == number
        lines[number + 1] += ridge(x[own], left[own], weight[own], PENALTY)
    return unscaled(lines, middle, spread)


def scaled(x: Array) -> tuple[Array, FloatArray, FloatArray]:
    """Inputs about 0 with a spread of 1; what was subtracted and what they were divided by."""
    middle, spread = x.mean(0, dtype=np.float64), np.maximum(x.std(0, dtype=np.float64), LEAST_SPREAD)
    return ((x - middle) / spread).astype(np.float32), middle, spread


def unscaled(lines: FloatArray, middle: FloatArray, spread: FloatArray) -> Lines:
    """Lines for the inputs as they are, from those for scaled ones. [N, SHARED + LEAD]"""
    lines = lines / spread
    lines[:, columns(SHARED_INPUTS, "kind")] -= (lines @ middle)[:, None]  # the constant: one of these inputs is 1
    return lines.astype(np.float32)


def inputs(batch: Batch) -> Array:
    """All inputs of each window and lead. [B, L, SHARED + LEAD]"""
    shared = np.broadcast_to(batch.shared[:, None], (*batch.lead.shape[:2], SHARED))
    return np.concatenate([shared, batch.lead], 2)


def _rows(panel: Panel, pick: IntArray, ahead: IntArray, until_row: int) -> Sample:
    """The (series, origin) pairs [B, 2] at their leads [B, L], where they have a truth."""
    series, origin = pick.T
    truth, seen = targets(panel, series, origin, ahead)
    use = (seen > 0) & (origin[:, None] + ahead < until_row)
    x = inputs(gather(panel, series, origin, ahead))[use]
    own, since = (np.broadcast_to(a[:, None], use.shape)[use] for a in (series, origin))
    return Sample(x, truth[use], own, since, ahead[use])


def robust(x: Array, truth: Array, penalty: float) -> tuple[Array, Array]:
    """A line near the median, and what each row counts for in it."""
    weight = np.ones(len(truth), dtype=np.float32)
    for _ in range(PASSES):
        line = ridge(x, truth, weight, penalty)
        weight = np.reciprocal(np.maximum(np.abs(truth - x @ line), np.float32(LEAST_ERROR)))
        weight /= weight.mean()
    return line, weight


def ridge(x: Array, truth: Array, weight: Array, penalty: float) -> Array:
    """The line through weighted rows, drawn towards 0 by `penalty` rows. [columns of x]"""
    weighted = x * weight[:, None]
    squares = (weighted.T @ x).astype(np.float64) + penalty * np.eye(x.shape[1])
    return np.linalg.solve(squares, (weighted.T @ truth).astype(np.float64)).astype(np.float32)
