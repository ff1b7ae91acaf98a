"""How the use of water moves from hour to hour, and whether a constant flow has been added to it.

Use is a profile (day of week, quarter of an hour) times `1 + u`. `u` is followed by a small Kalman filter with three
states: a slow level (season, weather), a deviation that lasts a day or so, and one that lasts hours. A leak is not
a factor: it adds the same m3/h by night and by day. For a number of moments at which a leak might have begun, the
tracker keeps what such a leak would have done to the filter, hour by hour, and so has at any time the size that fits
best, its uncertainty, and the score (size over uncertainty): a generalised likelihood ratio after Willsky and
Jones (1976). Moments are kept the closer together the younger they are, so the state has a constant size.

Beside that, where the site allows it, each hour's texture says how much of the flow stands still (`outliers.flicker`).
It knows nothing of profile and weather, so it is a measurement of its own: a filter with one state follows its slow
wander, and both add up to one score.

Hours with a wild value count with less weight (Huber), so one hour can neither raise an alarm nor spoil the level.
"""

import math
from dataclasses import dataclass
from typing import Any

from outliers.flicker import FALL_GUARD, GUARD, Still
from outliers.rules import LEAST_HOUR_SHARE, MAX_AGE_H, MEASURE_SHARE, START_VARIANCE, SURPRISE_CLIP

WILD_WEIGHT = 1 / 168  # a week
WILD_CUT = 16.0  # one hour counts no more than four standard deviations
WILD_SLACK = 2.2  # heavy tails make it 1.5 in the mean; an ordinary week is up to so much
STILL_MEMORY = math.exp(-1 / (20 * 24))  # of the still flow's wander from hour to hour: twenty days


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
    still: Still | None = None  # what the texture alone says of it


NO_SHIFT = Shift(0.0, 0.0, 0.0, 0)


class Tracker:
    """Follows one sensor's hourly ratio. One `step` an hour; `state` is plain JSON values, a few kB at most.

    `wander` is the still flow's own (`outliers.flicker`), nought where there is no texture.
    """

    def __init__(
        self, model: HourModel, state: dict[str, Any] | None = None, level: float = 0.0, wander: float = 0.0
    ) -> None:
        self.model, self.wander = model, wander
        self.hour: int | None = None
        self.level, self.day, self.short = level, 0.0, 0.0
        spread = sum(model.spread) / len(model.spread)
        # upper triangle of the covariance: level, day, short
        self.cov = [START_VARIANCE, 0.0, 0.0, model.day_variance, 0.0, spread * spread]
        # first hour -> effect on level, day, short; score sum; information; of the texture: effect, sum, information
        self.starts: dict[int, list[float]] = {}
        self.still, self.still_variance = 0.0, wander * wander
        self.surprise = 0.0  # of the last hour, in standard deviations
        self.wild = 1.0  # mean square of the surprises, about a week
        if state is not None:
            self.hour = state["hour"]
            self.level, self.day, self.short = state["mean"]
            self.cov = list(state["cov"])
            self.starts = {int(first): list(numbers) for first, numbers in state["starts"]}
            self.surprise, self.wild = state["surprise"], state["wild"]
            self.still, self.still_variance = state["still"]

    def state(self) -> dict[str, Any]:
        """Everything that `Tracker(model, state)` needs to go on to the bit."""
        return {
            "hour": self.hour,
            "mean": [self.level, self.day, self.short],
            "cov": list(self.cov),
            "starts": [[first, list(numbers)] for first, numbers in self.starts.items()],
            "surprise": self.surprise,
            "wild": self.wild,
            "still": [self.still, self.still_variance],
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

    def step(self, hour: int, slot: int, ratio: float | None, leak: float, still: Still | None = None) -> None:
        """Take hour `hour` (UTC unix hour), `slot` of the week: its `ratio` u, None when too few good minutes.

        `leak` is what a leak of the size of the mean flow would add to `u` in this hour: mean flow / profile.
        `still` is what the hour's texture says of a leak, None where it says nothing.
        """
        if self.hour is not None and hour > self.hour + 1:
            for missed in range(max(self.hour + 1, hour - MAX_AGE_H), hour):
                self._predict(missed, slot)
        noise = self._predict(hour, slot)
        self.hour = hour
        if ratio is not None:
            self._update(ratio, leak, noise)
        if still is not None:
            self._update_still(still)

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
        self.still *= STILL_MEMORY
        self.still_variance += (self.wander * self.wander - self.still_variance) * (1 - STILL_MEMORY * STILL_MEMORY)
        starts = self.starts
        for numbers in starts.values():
            numbers[1] *= by_day
            numbers[2] *= by_hour
            numbers[5] *= STILL_MEMORY
        starts[hour] = [0.0] * 8
        for first in [first for first in starts if _too_close(hour - first, first)]:
            del starts[first]
        return MEASURE_SHARE * own

    def _update(self, ratio: float, leak: float, noise: float) -> None:
        ll, ld, ls, dd, ds, ss = self.cov
        to_level, to_day, to_short = ll + ld + ls, ld + dd + ds, ls + ds + ss
        variance = to_level + to_day + to_short + noise
        wrong = ratio - self.level - self.day - self.short
        self.surprise = wrong / math.sqrt(variance)
        self.wild += WILD_WEIGHT * (min(self.surprise * self.surprise, WILD_CUT) - self.wild)
        variance *= _distrust(self.surprise)
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

    def _update_still(self, seen: Still) -> None:
        variance = self.still_variance + seen.error * seen.error
        wrong = seen.size - self.still
        variance *= _distrust(wrong / math.sqrt(variance))
        gain = self.still_variance / variance
        self.still += gain * wrong
        self.still_variance -= gain * self.still_variance
        for numbers in self.starts.values():
            effect = 1.0 - numbers[5]
            numbers[5] += gain * effect
            numbers[6] += effect * wrong / variance
            numbers[7] += effect * effect / variance

    def rise(self, youngest_h: int, oldest_h: int, *, textured: bool = True, fair: bool = False) -> Shift:
        """The start of `youngest_h` to below `oldest_h` hours ago whose flow scores highest, by hours and texture.

        A rise that the texture does not show scores little: use rises, too, and with heavy tails.
        `fair`: the past holds many young starts and few old ones, so chance favours the young. An old one's squared
        score gains twice the log of how many times older than the youngest it is; so all ages alarm equally often.
        """
        return self._best(youngest_h, oldest_h, 1, textured, fair)

    def fall(self, youngest_h: int, oldest_h: int, *, textured: bool = True) -> Shift:
        """The same for a flow that has ended; without the texture for any use that has."""
        return self._best(youngest_h, oldest_h, -1, textured)

    def rise_since(self, first: int) -> Shift:
        """A flow that began at the start nearest to hour `first`."""
        nearest = min(self.starts, key=lambda start: abs(start - first), default=None)
        if self.hour is None or nearest is None:
            return NO_SHIFT
        age = self.hour + 1 - nearest
        return self.rise(age, age + 1)

    def _best(self, youngest_h: int, oldest_h: int, sign: int, textured: bool, fair: bool = False) -> Shift:
        if self.hour is None:
            return NO_SHIFT
        best, best_score, calm = NO_SHIFT, 0.0, 1.0 / self.stretch() ** 2
        for first, numbers in self.starts.items():
            if not youngest_h <= self.hour + 1 - first < oldest_h or numbers[4] <= 0:
                continue
            total, information = numbers[3] * calm, numbers[4] * calm
            still = None
            if textured and numbers[7] > 0:
                total, information = total + numbers[6], information + numbers[7]
                still = Still(numbers[6] / numbers[7], 1 / math.sqrt(numbers[7]))
            score = sign * total / math.sqrt(information)
            if still is not None:
                score = min(score, (GUARD if sign > 0 else FALL_GUARD) * sign * still.size / still.error)
            if fair and score > 0.0:
                score = math.sqrt(score * score + 2 * math.log((self.hour + 1 - first) / youngest_h))
            if score > best_score:
                best_score = score
                best = Shift(score, total / information, 1 / math.sqrt(information), first, still)
        return best

    def unsure(self, size: float) -> None:
        """The level and the still flow may be off by `size` (share of the usual): let the hours to come move them."""
        self.cov[0] += size * size
        self.still_variance += size * size * (self.wander > 0)

    def accept(self, first: int, size: float, steady: float) -> None:
        """A constant flow of `size` (share of the mean) since hour `first` is known now: take it out of the past.

        `steady` of it is what the texture has seen.

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
            self.still -= numbers[5] * steady
        self.starts = {}


def _distrust(surprise: float) -> float:
    """Times its variance: what an hour with so many standard deviations of surprise is to be trusted by (Huber)."""
    return max(1.0, abs(surprise) / SURPRISE_CLIP)


def _too_close(age: int, first: int) -> bool:
    """Thins the starts as they age: every hour up to 8 h, then at multiples of a power of two below age / 2."""
    if age >= MAX_AGE_H:
        return True
    return age >= 8 and first % (1 << (age.bit_length() - 3)) != 0
