"""Which hours of which series are learnt from, and how often each is drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from forecaster.dataset import IntArray
from forecaster.fallback import DAY, WEEK
from forecaster.features import SPAN
from forecaster.panel import Panel

MIN_SEEN_WEEK = 24  # hours of the last week that a window needs to be worth learning from
MOST_PAIRS = 2_000_000  # to draw from; more cost memory and teach nothing that these do not
# How often an hour is drawn, by its age: water use drifts, and repeats with the season. Beside all hours alike: 3 %
# better in a winter, level in a spring and in an autumn.
EVEN, FADE_D = 0.1, 120
YEAR_D, SEASON_D = 337, 60  # a year before the middle of the two months that follow


def usable_origins(panel: Panel, first_row: int, last_row: int) -> IntArray:
    """(series, origin) pairs [N, 2] to learn from, whose targets lie at most one row past `last_row`.

    All there are up to some millions; of very many sensors every second, third, ... hour."""
    busy = np.pad(panel.seen[:, SPAN:].cumsum(1), ((0, 0), (1, 0)))
    rows = np.arange(first_row, last_row, 1 + len(panel.z) * max(last_row - first_row, 0) // MOST_PAIRS)
    week = busy[:, rows + 1] - busy[:, np.maximum(rows - (WEEK - 1), 0)]
    modelled = np.isfinite(panel.units.scale)[:, None]
    series, at = np.nonzero((week >= MIN_SEEN_WEEK) & modelled)
    return np.stack([series, rows[at]], 1)


def drawn(pairs: IntArray) -> Callable[[int, np.random.Generator], IntArray]:
    """What draws so many of the (series, origin) pairs, with repetition, the important ones more often."""
    age_d = (pairs[:, 1].max() - pairs[:, 1]) / DAY
    chance = np.cumsum(EVEN + np.exp(-age_d / FADE_D) + np.exp(-(((age_d - YEAR_D) / SEASON_D) ** 2)))

    def draw(count: int, random: np.random.Generator) -> IntArray:
        picked: IntArray = pairs[np.searchsorted(chance, random.random(count) * chance[-1])]
        return picked

    return draw
