"""Learning the dynamics of a sensor's hourly ratio: parameters of `outliers.flow_shift`, and limits of its score."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from outliers.flow_shift import ShiftTracker
from outliers.hour_model import HourModel
from outliers.learn.flicker import Texture
from outliers.learn.return_level import Floats, daily_maxima, normal_level
from outliers.rules import (
    LARGE_AGE_H,
    LEAST_HOUR_SHARE,
    MAX_AGE_H,
    MEASURE_SHARE,
    ORDINARY_H,
    SHORT_H,
    START_VARIANCE,
    SURPRISE_CLIP,
    WATCH_AGE_H,
)

TAIL = 5.0  # degrees of freedom of the surprises: heavier than normal, as water use is
HOUR_SCALES_H = (1.0, 2.0, 3.0)
DAY_SCALES_H = (24.0, 72.0, 168.0)
DAY_SHARES = (0.2, 0.4, 0.6)  # of the median hourly variance
LEAST_SPREAD = 0.25  # of the median: where there is hardly a use, a pipe may still vary
LEVEL_STEPS = (0.003, 0.006, 0.012)  # of the slow level per day: season, weather
WARM_H = 10 * 24
# For the starts that a limit is learnt for: one for WATCH, three for LEAK.
AGES_H = ((WATCH_AGE_H, MAX_AGE_H), (LARGE_AGE_H, ORDINARY_H), (ORDINARY_H, SHORT_H), (SHORT_H, MAX_AGE_H))
WATCH_RETURN_DAYS = 30.0
LEAST_WATCH = 2.8  # lower scores are noise in any archive
WITHOUT, WITH = False, True  # the texture
LEAST_LEAK = {WITHOUT: 4.0, WITH: 2.5}
# Days of the archive that may exceed a limit: leaks, pools, holidays. The combined score of texture and hours has no
# heavy tails, and an archive may contain weeks of an unnoticed leak: then only the quartiles count.
RANKS = {WITHOUT: (3, 6, 10), WITH: (3, 6, 0)}
# Recent starts have the heavy tails of single hours, and starts a day ago are often a pool that has just been filled.
MARGINS = {WITHOUT: (1.22, 1.08, 0.98), WITH: (1.22, 1.15, 0.95)}
WATCH_MARGIN = 1.15  # spreads fitted to the archive make it look calmer than the months after it


def fit_hours(ratio: Floats, slot: np.ndarray, widths: Floats) -> HourModel:
    """The maximum likelihood dynamics of the hourly `ratio` (NaN = none).

    `slot` is each hour's index in the week, `widths` the spread of the ratio about its slow level at each index.
    """
    usual = max(float(np.median(widths)), 1e-4)
    widths = np.maximum(widths, LEAST_SPREAD * usual)
    grid = np.array(list(product(HOUR_SCALES_H, DAY_SCALES_H, DAY_SHARES, LEVEL_STEPS)))
    by_hour, by_day = np.exp(-1 / grid[:, 0]), np.exp(-1 / grid[:, 1])
    day_variance, level_variance = grid[:, 2] * usual**2, grid[:, 3] ** 2 / 24
    likelihood = _likelihood(
        ratio,
        widths[slot] / usual,
        usual,
        by_hour=by_hour,
        by_day=by_day,
        day_variance=day_variance,
        level_variance=level_variance,
    )
    best = int(np.argmax(likelihood))
    return HourModel(
        hour_memory=float(by_hour[best]),
        day_memory=float(by_day[best]),
        day_variance=float(day_variance[best]),
        level_variance=float(level_variance[best]),
        spread=tuple(map(float, widths)),
        usual_spread=usual,
    )


def _likelihood(
    ratio: Floats,
    loads: Floats,
    usual_spread: float,
    *,
    by_hour: Floats,
    by_day: Floats,
    day_variance: Floats,
    level_variance: Floats,
) -> Floats:
    """Log likelihood of each parameter set, with heavy tails: `flow_shift`'s filter for the whole grid.

    `loads` are those of the hours (`HourModel.load`).
    """
    sets = len(by_hour)
    move = np.stack([np.ones(sets), by_day, by_hour], axis=1)  # sets x 3
    mean = np.zeros((sets, 3))
    mean[:, 0] = np.nanmedian(ratio[:WARM_H]) if np.isfinite(ratio[:WARM_H]).any() else 0.0
    cov = np.zeros((sets, 3, 3))
    cov[:, 0, 0], cov[:, 1, 1], cov[:, 2, 2] = START_VARIANCE, day_variance, usual_spread**2
    own = np.maximum(usual_spread**2 - day_variance, LEAST_HOUR_SHARE * usual_spread**2)
    total = np.zeros(sets)
    for place, (value, load) in enumerate(zip(ratio, loads, strict=True)):
        measures = np.array([1.0, load, load])
        mean *= move
        cov *= move[:, :, None] * move[:, None, :]
        cov[:, 0, 0] += level_variance
        cov[:, 1, 1] += day_variance * (1 - by_day**2)
        cov[:, 2, 2] += (1 - MEASURE_SHARE) * own * (1 - by_hour**2)
        if value != value:  # noqa: PLR0124 - NaN
            continue
        seen = cov @ measures
        variance = seen @ measures + MEASURE_SHARE * own * load**2
        wrong = value - mean @ measures
        surprise = np.abs(wrong) / np.sqrt(variance)
        if place >= WARM_H:
            total -= 0.5 * np.log(variance) + (TAIL + 1) / 2 * np.log1p(surprise**2 / TAIL)
        gain = seen / (variance * np.maximum(surprise / SURPRISE_CLIP, 1.0))[:, None]
        mean += gain * wrong[:, None]
        cov -= gain[:, :, None] * seen[:, None, :]
    return total


@dataclass(frozen=True, slots=True)
class Walk:
    """The tracker's output over an archive, hour by hour.

    Attributes:
        ahead: the ratio expected before each hour.
        scores: hours x 4, by age of the start: 3 hours and more, 3 to 12, 12 to 48, 48 and more; NaN at the beginning.
        since: the best start among the oldest ones.
    """

    ahead: Floats
    scores: Floats
    since: np.ndarray


def walk(
    model: HourModel, ratio: Floats, leak: Floats, slot: np.ndarray, texture: Texture | None, *, level: float
) -> Walk:
    """Run the tracker over the archive."""
    tracker = ShiftTracker(model, level=level, wander=texture.use.wander if texture else 0.0)
    stills = texture.stills() if texture else [None] * len(ratio)
    ahead = np.zeros(len(ratio))
    scores, since = np.full((len(ratio), len(AGES_H)), np.nan), np.zeros(len(ratio), dtype=int)
    for place, (value, still) in enumerate(zip(ratio.tolist(), stills, strict=True)):
        ahead[place] = tracker.expected_ratio(int(slot[place]))
        tracker.on_hour(place, int(slot[place]), None if math.isnan(value) else value, float(leak[place]), still)
        if place >= WARM_H and (still is not None or not math.isnan(value)):
            rises = [*(tracker.rise(*ages) for ages in AGES_H[:-1]), tracker.rise(*AGES_H[-1], fair=True)]
            scores[place], since[place] = [rise.score for rise in rises], rises[-1].since
    return Walk(ahead, scores, since)


def score_limits(scores: Floats, return_days: float, *, textured: bool) -> tuple[float, float, float, float]:
    """Limits for WATCH, and for LEAK with starts less than half a day, less than two days, and longer ago."""
    watch, *leaks = (daily_maxima(scores[:, column], 24) for column in range(len(AGES_H)))
    early, short, long = (
        margin * max(LEAST_LEAK[textured], normal_level(maxima, return_days, rank))
        for maxima, rank, margin in zip(leaks, RANKS[textured], MARGINS[textured], strict=True)
    )
    return max(LEAST_WATCH, WATCH_MARGIN * normal_level(watch, WATCH_RETURN_DAYS)), early, short, long
