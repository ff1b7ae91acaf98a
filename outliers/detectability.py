"""What size of leak is found at a sensor, and in how long: a statement from its criteria alone.

A method finds a leak when a score, the leak's flow over its error, exceeds a limit. Both follow from the criteria, and
so does the size that exceeds it almost always: (limit + `MARGIN`) errors. The errors of hours and days are those of the
tracker itself, run over weeks in which nothing unusual happens.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from outliers.criteria import Criteria, FlowUse, NightUse
from outliers.findable import NIGHTS, Detectability, Lack
from outliers.flicker import GUARD, SteadyFlow
from outliers.flow_shift import ShiftTracker
from outliers.rules import (
    CREEP_DRIFT,
    FLICKER_COUNT,
    LEAST_USE,
    MAX_AGE_H,
    NIGHT_PROOF_H,
    NIGHT_PROOF_SHARE,
    ORDINARY_H,
    SHORT_H,
    STEP_GUARD,
    STEP_LASTING_ROWS,
    STEP_LEAST_RATIO,
    YOUNGER,
)

MARGIN = 1.83  # errors: three conditions, each missed by as much once in 30 times, hold together 9 times of 10
TERMS_MIN = (60, 1440, NIGHTS * 1440)  # of the three sizes
DAY_SLACK_H, NIGHTS_SLACK_H = 2, 6  # for the hour that it begins in, and the hours that must confirm it
GRID_H = 32  # the tracker keeps starts at multiples of these hours for all terms here
WEEK_H = 168
ROUNDS, CLOSE = 40, 1.01  # of the search for a size


@dataclass(frozen=True, slots=True)
class Weeks:
    """How the present weeks differ from those that the criteria were learnt from; without arguments: not at all.

    Attributes:
        more: the use above its level then, share.
        stretch: how much more it varies (`ShiftTracker.stretch`).
        strictness: factor on a LEAK's limits after many of them.
    """

    more: float = 0.0
    stretch: float = 1.0
    strictness: float = 1.0


AS_LEARNT = Weeks()


def detectability(criteria: Criteria, weeks: Weeks = AS_LEARNT) -> Detectability | None:
    """What is found with these criteria in such weeks; None without history."""
    use, night = criteria.use, criteria.night
    if use is None:
        return None
    lacks = [lack for lack, absent in ((Lack.NIGHTS, night is None), (Lack.FLICKER, use.texture is None)) if absent]
    return Detectability(
        hour_m3h=_hours_of_day(use, weeks),
        day_m3h=use.mean_m3h * _day(use, weeks),
        nights_m3h=use.mean_m3h * _nights(use, weeks, night),
        lacks=tuple(lacks),
        weeks=criteria.clean_weeks,
    )


# PREDICT


def _hours_of_day(use: FlowUse, weeks: Weeks) -> tuple[float, ...]:
    """The largest of the week's days: a promise holds on each of them."""
    sizes = [use.mean_m3h * _step(use, weeks, slot) for slot in range(WEEK_H)]
    ends = [max(size, sizes[(slot + 1) % WEEK_H]) for slot, size in enumerate(sizes)]  # it is judged an hour later
    return tuple(float(max(ends[hour::24])) for hour in range(24))


def _step(use: FlowUse, weeks: Weeks, slot: int) -> float:
    """The step that is noticed within minutes in an hour of the week, and is a LEAK when it has lasted; a share.

    A longer window notices a smaller step, but too late: it must last from then on.
    """
    scale = max(STEP_LEAST_RATIO, _level(use, weeks)) * weeks.stretch / use.mean_m3h
    noticed = (use.step_watch[0] + MARGIN) * use.step_spread_m3h[slot] * scale
    lasting = use.lasting_spread_m3h[slot] * scale

    def errors(size: float) -> Errors:
        steady = _flicker_error(use, weeks, slot, STEP_LASTING_ROWS, size)
        return Errors((lasting**-2 + steady**-2) ** -0.5, steady)

    return max(noticed, _size(errors, use.step_leak * weeks.strictness, STEP_GUARD))


# VALUE and NIGHT


class Errors(NamedTuple):
    """Of a leak's size: by all that is seen, and by the flicker alone (infinite: there is none)."""

    joint: float
    flicker: float


def _size(errors: Callable[[float], Errors], limit: float, guard: float = GUARD) -> float:
    """The size whose score exceeds the limit; infinite if none does.

    The flicker's own score must exceed a part of the limit. Its error is taken from the whole flow, the leak included;
    its real error stays that of the use.
    """
    real = found = errors(0.0)
    size = 0.0
    for _ in range(ROUNDS):
        before, size = size, limit * found.joint + MARGIN * real.joint
        if math.isfinite(found.flicker):
            size = max(size, limit / guard * found.flicker + MARGIN * real.flicker)
        if size < before * CLOSE:
            return float(size)
        found = errors(size)
    return math.inf


def _day(use: FlowUse, weeks: Weeks) -> float:
    """A leak of a day must exceed the limit, and fit clearly better than a use that began later and may end soon."""
    age = 24 - DAY_SLACK_H
    size = _value(use, weeks, age, use.short_score)
    old, young = (max(_errors(use, weeks, hours, size)).joint for hours in (age, ORDINARY_H - 1))
    apart = YOUNGER + MARGIN * math.sqrt(2 * (1 - old / young))  # scores of the same hours vary together
    return max(size, apart / (1 / old - 1 / young))


def _value(use: FlowUse, weeks: Weeks, age_h: int, limit: float) -> float:
    return _size(lambda size: max(_errors(use, weeks, age_h, size)), limit * weeks.strictness)


def _nights(use: FlowUse, weeks: Weeks, night: NightUse | None) -> float:
    """The smallest share of the mean that VALUE finds alone, or NIGHT with VALUE's support."""
    age = 24 * NIGHTS - NIGHTS_SLACK_H
    by_hours = _value(use, weeks, age, _without_age(use.long_score, age / SHORT_H))
    if night is None:
        return by_hours
    support = _value(use, weeks, age, _without_age(NIGHT_PROOF_SHARE * use.long_score, age / NIGHT_PROOF_H))
    return min(by_hours, max(support, _creep_m3h(night) / use.mean_m3h))


def _without_age(limit: float, ages: float) -> float:
    """A limit of the score that starts this many times older than the youngest must reach: chance favours them less."""
    return math.sqrt(max(0.0, limit**2 - 2 * math.log(ages)))


def _creep_m3h(night: NightUse) -> float:
    """The rise of each night whose sum exceeds the limit."""
    total = night.creep + MARGIN * math.sqrt(NIGHTS)
    return (total / NIGHTS + CREEP_DRIFT) * night.spread_m3h


def _errors(use: FlowUse, weeks: Weeks, age_h: int, size: float) -> Iterator[Errors]:
    """The tracker's errors of a leak of `size` that began so many hours ago, for starts at different hours of the week;
    shares of the mean."""
    tracker = ShiftTracker(use.hours, None, use.level, use.texture.wander if use.texture else 0.0)
    flickers = [_hour_flicker(use, weeks, slot, size) for slot in range(WEEK_H)]
    for hour in range(MAX_AGE_H + WEEK_H + age_h + GRID_H):
        slot, starts = hour % WEEK_H, tracker.state.starts
        tracker.on_hour(hour, slot, use.level, use.mean_m3h / _profile_m3h(use, slot), flickers[slot])
        if hour % GRID_H:
            del starts[hour]  # no other start is asked for
        effect = starts.get(hour + 1 - age_h)
        if effect is not None and hour >= MAX_AGE_H + age_h:
            steady = effect.steady_information
            joint = effect.information / weeks.stretch**2 + steady
            yield Errors(joint**-0.5, steady**-0.5 if steady else math.inf)


def _hour_flicker(use: FlowUse, weeks: Weeks, slot: int, size: float) -> SteadyFlow | None:
    return SteadyFlow(0.0, _flicker_error(use, weeks, slot, 60, size)) if use.texture is not None else None


def _flicker_error(use: FlowUse, weeks: Weeks, slot: int, rows: int, size: float) -> float:
    """Standard error of the steady flow by the flicker of so many rows, share of the mean; infinite: none is known."""
    if use.texture is None:
        return math.inf
    used = _profile_m3h(use, slot) * _level(use, weeks) - use.texture.steady_m3h
    return use.texture.error * math.sqrt(FLICKER_COUNT / rows) * max(used / use.mean_m3h + size, LEAST_USE)


def _level(use: FlowUse, weeks: Weeks) -> float:
    """The present flow / profile."""
    return 1.0 + use.level + weeks.more


def _profile_m3h(use: FlowUse, slot: int) -> float:
    """Mean of an hour of the week."""
    day, hour = divmod(slot, 24)
    return sum(use.profile_m3h[day][4 * hour : 4 * hour + 4]) / 4
