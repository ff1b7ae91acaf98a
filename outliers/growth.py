"""By how much a known leak differs now from the size that it was raised with.

The filter of `flow_shift` with one state more: the change of the leak's flow. It runs twice. In one filter the change
is a constant, a size that was misjudged at the raise; in the other it walks at random, as in a leak that grows or is
throttled. Each hour says which of them is likelier, and they are mixed by that (multiple models after Magill, 1965). So
the size of a leak that stays as it is becomes more certain from day to day, and that of one that grows is followed.
"""

import math
from typing import Annotated

import msgspec
from msgspec.structs import replace

from outliers.hour_model import STEADY_MEMORY, HourModel, distrust

PACE = 0.15  # of a leak's size: standard deviation of its walk in a day; a leak that grows doubles in days or weeks
WALKS = 0.05  # probability that a leak walks, before any hour was seen
TURN = 1 / 500  # probability for each hour that it begins or ends to walk: once in three weeks
MOST_ODDS = 10.0  # log of the odds that one hour counts at most

Row = tuple[float, float, float, float, float]  # of level, day, short, steady flow, change
STEADY: Row = (0.0, 0.0, 0.0, 1.0, 1.0)  # what the flicker measures


def hours(leak: float, load: float) -> Row:
    """What the flow of an hour measures, in which a leak of the size of the mean flow adds `leak`."""
    return (1.0, load, load, 0.0, leak)


class Course(msgspec.Struct, frozen=True, array_like=True):
    """One filter: the mean of each state, and their covariances."""

    means: Row
    cov: tuple[Row, Row, Row, Row, Row]

    def later(self, kept: Row, added: Row) -> "Course":
        """An hour later: what is kept of each state, and the variance added to it."""
        cov = [
            [one * own * other for one, other in zip(line, kept, strict=True)]
            for line, own in zip(self.cov, kept, strict=True)
        ]
        for place, variance in enumerate(added):
            cov[place][place] += variance
        return _course([mean * share for mean, share in zip(self.means, kept, strict=True)], cov)

    def measured(self, row: Row, value: float, noise: float) -> tuple["Course", float]:
        """After a measurement of the states' sum by `row`; and its log likelihood."""
        shared = [_sum(line, row) for line in self.cov]
        variance = max(0.0, _sum(shared, row)) + noise
        wrong = value - _sum(self.means, row)
        variance *= distrust(wrong / math.sqrt(variance))
        gains = [one / variance for one in shared]
        means = [mean + gain * wrong for mean, gain in zip(self.means, gains, strict=True)]
        cov = [
            [one - gain * other for one, other in zip(line, shared, strict=True)]
            for line, gain in zip(self.cov, gains, strict=True)
        ]
        return _course(means, cov), -(math.log(variance) + wrong * wrong / variance) / 2


class Growth(msgspec.Struct, frozen=True, array_like=True):
    """The change of a leak's flow since it was raised.

    Attributes:
        constant, walking: the filters.
        walks: the probability that the second one is right.
        pace: variance of the walk, for each hour.
    """

    constant: Course
    walking: Course
    walks: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    pace: float

    def later(self, model: HourModel, slot: int, wander: float) -> "Growth":
        """An hour later, of this slot of the week."""
        kept = (1.0, model.day_memory, model.hour_memory, STEADY_MEMORY, 1.0)
        steady = wander * wander * (1 - STEADY_MEMORY * STEADY_MEMORY)
        added = (model.level_variance, model.new_day_variance(), model.new_hour_variance(slot), steady)
        return replace(
            self,
            constant=self.constant.later(kept, (*added, 0.0)),
            walking=self.walking.later(kept, (*added, self.pace)),
            walks=self.walks + TURN * (WALKS - self.walks),
        )

    def measured(self, row: Row, value: float, noise: float) -> "Growth":
        """After a measurement."""
        constant, likely = self.constant.measured(row, value, noise)
        walking, likelier = self.walking.measured(row, value, noise)
        odds = math.exp(max(-MOST_ODDS, min(MOST_ODDS, likelier - likely)))
        walks = self.walks * odds / (self.walks * odds + 1 - self.walks)
        return replace(self, constant=constant, walking=walking, walks=walks)

    def change(self) -> tuple[float, float]:
        """The change and its standard error, shares of the mean flow."""
        constant, walking = self.constant.means[-1], self.walking.means[-1]
        between = (walking - constant) * (walking - constant) * self.walks * (1 - self.walks)
        within = self.constant.cov[-1][-1] * (1 - self.walks) + self.walking.cov[-1][-1] * self.walks
        return constant + self.walks * (walking - constant), math.sqrt(max(0.0, within + between))


def begin(means: Row, cov: tuple[float, ...], steady_variance: float, size: float, doubt: float) -> Growth:
    """Of a leak of `size`, known to within `doubt`; `means` and covariances are those of `flow_shift`'s states."""
    ll, ld, ls, dd, ds, ss = cov
    course = Course(
        means,
        (
            (ll, ld, ls, 0.0, 0.0),
            (ld, dd, ds, 0.0, 0.0),
            (ls, ds, ss, 0.0, 0.0),
            (0.0, 0.0, 0.0, steady_variance, 0.0),
            (0.0, 0.0, 0.0, 0.0, doubt * doubt),
        ),
    )
    return Growth(course, course, WALKS, (PACE * size) ** 2 / 24)


def _sum(values: Row | list[float], row: Row | list[float]) -> float:
    return sum(value * share for value, share in zip(values, row, strict=True))


def _row(values: list[float]) -> Row:
    level, day, short, steady, change = values
    return level, day, short, steady, change


def _course(means: list[float], cov: list[list[float]]) -> Course:
    level, day, short, steady, change = (_row(line) for line in cov)
    return Course(_row(means), (level, day, short, steady, change))
