"""From night flow to leakage, as in the water industry. Pure functions on plain values.

At night a district uses little, so the flow is mostly leakage. Each night has a quietest rolling hour; the 20th
percentile of seven nights does not change with one unusual night. Night use is subtracted; the rest is leakage. It
depends on pressure as ``leak ~ pressure ** N1``, which makes nights of different pressure comparable and converts one
night's hour to a whole day (the night-day factor).

The values come from `REAL_VAL_TB` without those with a SYSTEM flag: a frozen meter is no leak.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from common.night import HOUR_MINUTES_NEEDED, HOUR_WINDOWS, lowest_hour

PERCENTILE = 0.2
PERCENTILE_DAYS = 7
PERCENTILE_NIGHTS_NEEDED = 3  # of the seven; with fewer it is no better than a single night
NIGHT_USE_SHARE = 0.2  # of the quietest night: the middle of the usual 10..30 % if the users are not known
NIGHT_LITRES = 0.6  # L/h per person: 6 % are active, each uses about ten litres
SHARE, USERS, FIXED, NIGHTS = "share", "users", "fixed", "nights"  # the source of a figure
N1 = 1.0  # leakage exponent without local data: 0.5 for holes in steel, 1.5 for plastic and background leakage
REFERENCE_NIGHTS = 24  # earlier nights that a night's pressure and quietest flow are compared with
DAY_HOURS = 24
DAY_HOURS_NEEDED = 20  # fewest hours with a pressure; the others count as their mean


@dataclass(frozen=True, slots=True)
class Tenth:
    """Accepted values of ten minutes."""

    flow_sum: float = 0.0  # m3/h
    flow_count: int = 0
    pressure_sum: float = 0.0  # bar
    pressure_count: int = 0
    faulty: int = 0  # flow values excluded: not trusted
    planned: int = 0  # flow values excluded: measured during planned work


@dataclass(frozen=True, slots=True)
class QuietHour:
    """The rolling hour with the lowest mean flow."""

    step: int  # the first of its six steps
    flow_m3h: float
    pressure_bar: float | None
    minutes: int  # accepted flow values in it


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier night of the same sensor."""

    night: date
    flow_m3h: float
    pressure_bar: float | None


@dataclass(frozen=True, slots=True)
class Known:
    """The utility's settings of a sensor; None: unknown, then the defaults are used."""

    users: float | None = None  # people supplied through the meter
    litres: float | None = None  # L/h per person at night
    night_use_m3h: float | None = None  # overrides users
    n1: float | None = None
    reference_bar: float | None = None
    replaced: date | None = None  # local date of the replacement: nights up to it belong to the old instrument


@dataclass(frozen=True, slots=True)
class Leakage:
    """A night's figures with their inputs; None if the inputs do not suffice."""

    night: date
    hour: QuietHour | None
    good_minutes: int  # accepted flow values in the report's hours
    faulty_minutes: int
    planned_minutes: int = 0
    percentile_m3h: float | None = None
    percentile_nights: int = 0
    night_use_m3h: float | None = None
    night_use_by: str = SHARE
    users: float | None = None
    litres: float | None = None
    n1: float = N1
    reference_bar: float | None = None
    reference_by: str = NIGHTS
    leak_m3h: float | None = None
    leak_reference_m3h: float | None = None  # at the reference pressure, for comparing nights
    factor_h: float | None = None  # converts the night's leakage per hour to a day's
    pressure_hours: int = 0
    leak_m3d: float | None = None


def quiet_hour(tenths: Mapping[int, Tenth]) -> QuietHour | None:
    """The night's minimum, with the pressure of that hour; None if no hour has enough accepted minutes."""
    lowest = lowest_hour({step: (tenth.flow_sum, tenth.flow_count) for step, tenth in tenths.items()})
    if lowest is None:
        return None
    parts = [tenths.get(step, Tenth()) for step in range(lowest.first, lowest.first + HOUR_WINDOWS)]
    return QuietHour(lowest.first, lowest.flow_m3h, _pressure(parts), lowest.minutes)


def _pressure(parts: Sequence[Tenth]) -> float | None:
    count = sum(part.pressure_count for part in parts)
    if count < HOUR_MINUTES_NEEDED:
        return None
    mean_bar = sum(part.pressure_sum for part in parts) / count
    return mean_bar if mean_bar > 0 else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, interpolated. `values` must not be empty."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def night_day_factor(hours_bar: Sequence[float], night_bar: float, n1: float) -> float | None:
    """The factor from the night's leakage per hour to a day's: the sum of ``(pressure of the hour / night's) ** n1``.

    Assuming 24 is a known error: with lower pressure by day it is less, with pumping by day it may be twice that.
    """
    if len(hours_bar) < DAY_HOURS_NEEDED:
        return None
    ratios = [math.pow(max(hour_bar, 0.0) / night_bar, n1) for hour_bar in hours_bar]
    return sum(ratios) * DAY_HOURS / len(ratios)


def leakage(
    night: date,
    tenths: Mapping[int, Tenth],
    hours_bar: Sequence[float],
    earlier: Sequence[Earlier],
    *,
    known: Known | None = None,
) -> Leakage:
    """One night of one sensor.

    Args:
        tenths: the report's ten-minute steps that have a row, by their number from 0.
        hours_bar: mean pressure of each hour of the 24 before the night's end that has one.
        earlier: nights before this one, in any order; those older than `REFERENCE_NIGHTS` days are not used.
        known: the utility's settings of the sensor, or None.
    """
    known = known or Known()
    parts = tenths.values()
    counted = Leakage(
        night,
        quiet_hour(tenths),
        good_minutes=sum(part.flow_count for part in parts),
        faulty_minutes=sum(part.faulty for part in parts),
        planned_minutes=sum(part.planned for part in parts),
        n1=known.n1 if known.n1 is not None else N1,
        pressure_hours=len(hours_bar),
    )
    return counted if counted.hour is None else _with_figures(counted, counted.hour, hours_bar, earlier, known)


def _with_figures(
    counted: Leakage, hour: QuietHour, hours_bar: Sequence[float], earlier: Sequence[Earlier], known: Known
) -> Leakage:
    night, n1 = counted.night, counted.n1
    before = [one for one in earlier if _comparable(one, night, known)]
    week = [e.flow_m3h for e in before if e.night > night - timedelta(days=PERCENTILE_DAYS)] + [hour.flow_m3h]
    night_use_m3h, by = night_use(known, [e.flow_m3h for e in before] + [hour.flow_m3h])
    leak_m3h = max(0.0, hour.flow_m3h - night_use_m3h)
    reference_bar, reference_by = _reference(known, before, hour)
    factor_h = night_day_factor(hours_bar, hour.pressure_bar, n1) if hour.pressure_bar is not None else None
    return replace(
        counted,
        percentile_m3h=percentile(week, PERCENTILE) if len(week) >= PERCENTILE_NIGHTS_NEEDED else None,
        percentile_nights=len(week),
        night_use_m3h=night_use_m3h,
        night_use_by=by,
        users=known.users if by == USERS else None,
        litres=_litres(known) if by == USERS else None,
        reference_bar=reference_bar,
        reference_by=reference_by,
        leak_m3h=leak_m3h,
        leak_reference_m3h=_at_reference(leak_m3h, hour.pressure_bar, reference_bar, n1),
        factor_h=factor_h,
        leak_m3d=leak_m3h * factor_h if factor_h is not None else None,
    )


def night_use(known: Known, nights_m3h: Sequence[float]) -> tuple[float, str]:
    """Night use (m3/h) and its source: the number of users, a fixed figure, or a share.

    `nights_m3h`: quietest hours of the last nights, including this one.
    """
    if known.night_use_m3h is not None:
        return known.night_use_m3h, FIXED
    if known.users is not None:
        return known.users * _litres(known) / 1000, USERS
    return max(0.0, NIGHT_USE_SHARE * min(nights_m3h)), SHARE


def _litres(known: Known) -> float:
    return known.litres if known.litres is not None else NIGHT_LITRES


def _comparable(one: Earlier, night: date, known: Known) -> bool:
    """Whether an earlier night is recent enough and from the same instrument."""
    near = night - timedelta(days=REFERENCE_NIGHTS) < one.night < night
    return near and (known.replaced is None or (one.night > known.replaced) == (night > known.replaced))


def _reference(known: Known, before: Sequence[Earlier], hour: QuietHour) -> tuple[float | None, str]:
    """The reference pressure for comparing nights, and its source; None for a night without a pressure."""
    if hour.pressure_bar is None:
        return None, NIGHTS
    if known.reference_bar is not None:
        return known.reference_bar, FIXED
    return statistics.median([hour.pressure_bar, *(e.pressure_bar for e in before if e.pressure_bar)]), NIGHTS


def _at_reference(leak_m3h: float, pressure_bar: float | None, reference_bar: float | None, n1: float) -> float | None:
    if pressure_bar is None or reference_bar is None:
        return None
    return leak_m3h * math.pow(reference_bar / pressure_bar, n1)
