"""How the use of water moves from hour to hour, and whether a constant flow has been added to it.

Use is a profile (day of week, quarter of an hour) times `1 + u`. `u` is followed by a small Kalman filter with three
states: a slow level (season, weather), a deviation that lasts a day or so, and one that lasts hours. A leak is not
a factor: it adds the same m3/h by night and by day. For a number of moments at which a leak might have begun, the
tracker keeps what such a leak would have done to the filter, hour by hour, and so has at any time the size that fits
best, its uncertainty, and the score (size over uncertainty): a generalised likelihood ratio after Willsky and
Jones (1976). Moments are kept the closer together the younger they are, so the state has a constant size.

Hours with a wild value count with less weight (Huber), so one hour can neither raise an alarm nor spoil the level.
"""

import math
from dataclasses import dataclass
from typing import Any

CLIP = 3.0  # standard deviations at which an hour's surprise is cut (Huber); beyond, weight falls as 1/surprise
MAX_AGE_H = 16 * 24  # a leak older than this has become part of the level
MEASURE_SHARE = 0.05  # of an hour's variance that is gone in the next hour: meter and minute texture
LEAST_HOUR_SHARE = 0.2  # of the variance at each hour that is left to the hour's own deviation
WILD_WEIGHT = 1 / 168  # a week
WILD_CUT = 16.0  # one hour counts no more than four standard deviations
WILD_SLACK = 2.2  # heavy tails make it 1.5 in the mean; an ordinary week is up to so much
START_VARIANCE = 0.02**2  # of the level when nothing is known but the profile


@dataclass(frozen=True, slots=True)
class HourModel:
    """Learnt movement of the ratio `u`.

    Attributes:
        hour_memory: share of the hour-scale deviation that is left an hour later.
        day_memory: the same for the day-scale deviation.
        day_variance: stationary variance of the day-scale deviation.
        level_variance: variance that the slow level gains each hour.
        spread: standard deviation of `u` about its slow level, for each hour of the week (24 a kind of day).
    """

    hour_memory: float
    day_memory: float
    day_variance: float
    level_variance: float
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """The best moment at which a constant flow may have been added: size and uncertainty as share of the mean."""

    score: float
    size: float
    error: float
    since: int  # UTC unix hour of its first hour


NO_SHIFT = Shift(0.0, 0.0, 0.0, 0)


class Tracker:
    """Follows one sensor's hourly ratio. One `step` an hour; `state` is plain JSON values, a few kB at most."""

    def __init__(self, model: HourModel, state: dict[str, Any] | None = None, level: float = 0.0) -> None:
        self.model = model
        self.hour: int | None = None
        self.level, self.day, self.short = level, 0.0, 0.0
        spread = sum(model.spread) / len(model.spread)
        # upper triangle of the covariance: level, day, short
        self.cov = [START_VARIANCE, 0.0, 0.0, model.day_variance, 0.0, spread * spread]
        self.starts: dict[int, list[float]] = {}  # first hour -> effect on level, day, short; score sum; information
        self.surprise = 0.0  # of the last hour, in standard deviations
        self.wild = 1.0  # mean square of the surprises, about a week
        if state is not None:
            self.hour = state["hour"]
            self.level, self.day, self.short = state["mean"]
            self.cov = list(state["cov"])
            self.starts = {int(first): list(numbers) for first, numbers in state["starts"]}
            self.surprise, self.wild = state["surprise"], state["wild"]

    def state(self) -> dict[str, Any]:
        """Everything that `Tracker(model, state)` needs to go on to the bit."""
        return {
            "hour": self.hour,
            "mean": [self.level, self.day, self.short],
            "cov": list(self.cov),
            "starts": [[first, list(numbers)] for first, numbers in self.starts.items()],
            "surprise": self.surprise,
            "wild": self.wild,
        }

    def steady(self) -> float:
        """The ratio to expect in the coming hour but for the deviation of the last hours, which a step shows itself."""
        return self.level + self.day * self.model.day_memory

    def stretch(self) -> float:
        """How much wilder than in the archive the last week was (standard deviations); at least 1.

        Use can change its habits before the criteria are built anew (gardens, a new customer). Scores are divided
        by this, so that such weeks give fewer alarms and not one each morning.
        """
        return max(1.0, math.sqrt(self.wild / WILD_SLACK))

    def step(self, hour: int, slot: int, ratio: float | None, leak: float) -> None:
        """Take hour `hour` (UTC unix hour), `slot` of the week: its `ratio` u, None when too few good minutes.

        `leak` is what a leak of the size of the mean flow would add to `u` in this hour: mean flow / profile.
        """
        if self.hour is not None and hour > self.hour + 1:
            for missed in range(max(self.hour + 1, hour - MAX_AGE_H), hour):
                self._predict(missed, slot)
        noise = self._predict(hour, slot)
        self.hour = hour
        if ratio is not None:
            self._update(ratio, leak, noise)

    def _predict(self, hour: int, slot: int) -> float:
        """Let an hour pass; returns the variance of the measurement."""
        model = self.model
        by_day, by_hour = model.day_memory, model.hour_memory
        own = max(model.spread[slot] ** 2 - model.day_variance, LEAST_HOUR_SHARE * model.spread[slot] ** 2)
        self.day *= by_day
        self.short *= by_hour
        ll, ld, ls, dd, ds, ss = self.cov
        self.cov = [
            ll + model.level_variance,
            ld * by_day,
            ls * by_hour,
            dd * by_day * by_day + model.day_variance * (1 - by_day * by_day),
            ds * by_day * by_hour,
            ss * by_hour * by_hour + (1 - MEASURE_SHARE) * own * (1 - by_hour * by_hour),
        ]
        starts = self.starts
        for numbers in starts.values():
            numbers[1] *= by_day
            numbers[2] *= by_hour
        starts[hour] = [0.0, 0.0, 0.0, 0.0, 0.0]
        for first in [first for first in starts if _too_close(hour - first, first)]:
            del starts[first]
        return MEASURE_SHARE * own

    def _update(self, ratio: float, leak: float, noise: float) -> None:
        ll, ld, ls, dd, ds, ss = self.cov
        to_level, to_day, to_short = ll + ld + ls, ld + dd + ds, ls + ds + ss
        variance = to_level + to_day + to_short + noise
        wrong = ratio - self.level - self.day - self.short
        spread = math.sqrt(variance)
        self.surprise = wrong / spread
        self.wild += WILD_WEIGHT * (min(self.surprise * self.surprise, WILD_CUT) - self.wild)
        if abs(wrong) > CLIP * spread:
            variance *= abs(wrong) / (CLIP * spread)
        gain_level, gain_day, gain_short = to_level / variance, to_day / variance, to_short / variance
        self.level += gain_level * wrong
        self.day += gain_day * wrong
        self.short += gain_short * wrong
        self.cov = [
            ll - gain_level * to_level,
            ld - gain_level * to_day,
            ls - gain_level * to_short,
            dd - gain_day * to_day,
            ds - gain_day * to_short,
            ss - gain_short * to_short,
        ]
        scaled = wrong / variance
        for numbers in self.starts.values():
            effect = leak - numbers[0] - numbers[1] - numbers[2]
            numbers[0] += gain_level * effect
            numbers[1] += gain_day * effect
            numbers[2] += gain_short * effect
            numbers[3] += effect * scaled
            numbers[4] += effect * effect / variance

    def best(self, youngest_h: int, oldest_h: int, sign: int = 1) -> Shift:
        """The start of `youngest_h` to below `oldest_h` hours ago with the highest score; sign -1 for a fall."""
        if self.hour is None:
            return NO_SHIFT
        best, best_score, stretch = None, 0.0, self.stretch()
        for first, numbers in self.starts.items():
            if youngest_h <= self.hour + 1 - first < oldest_h and numbers[4] > 0:
                score = sign * numbers[3] / (math.sqrt(numbers[4]) * stretch)
                if score > best_score:
                    best, best_score = first, score
        if best is None:
            return NO_SHIFT
        numbers = self.starts[best]
        return Shift(best_score, numbers[3] / numbers[4], stretch / math.sqrt(numbers[4]), best)

    def unsure(self, size: float) -> None:
        """The level may be off by `size` (share of the usual): let the hours to come move it."""
        self.cov[0] += size * size

    def accept(self, first: int, size: float) -> None:
        """A constant flow of `size` (share of the mean) since hour `first` is known now: take it out of the past.

        The caller subtracts it from the hours to come. All starts are forgotten, so what follows is measured
        against the flow with the shift in it.
        """
        kept = min(self.starts, key=lambda start: abs(start - first), default=None)
        begun = self.hour is not None and first <= self.hour  # else no hour with the shift in it has been taken yet
        if begun and kept is not None and abs(kept - first) <= max(1, ((self.hour or first) - first) // 2):
            numbers = self.starts[kept]
            self.level -= numbers[0] * size
            self.day -= numbers[1] * size
            self.short -= numbers[2] * size
        self.starts = {}


def _too_close(age: int, first: int) -> bool:
    """Thins the starts as they age: every hour up to 8 h, then at multiples of a power of two below age / 2."""
    if age >= MAX_AGE_H:
        return True
    return age >= 8 and first % (1 << (age.bit_length() - 3)) != 0
