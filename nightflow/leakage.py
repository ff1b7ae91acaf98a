"""From night flow to leakage, as in the water industry. Pure functions on plain values.

At night a district uses little, so the flow is mostly leakage. Each night has a quietest rolling hour; the 20th
percentile of seven nights does not change with one unusual night. Night use is subtracted; the rest is leakage. It
depends on pressure as ``leak ~ pressure ** N1``, which makes nights of different pressure comparable and converts one
night's hour to a whole day (the night-day factor).

Two rules keep the figures honest. What leaks passes the meter: leakage is not above the flow of any believed hour of
the day that it is scaled to. And where nobody has set the night use, leakage is a range, never one number.

The values come from `REAL_VAL_TB` without those with a SYSTEM flag: a frozen meter is no leak.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from common.night import HOUR_MINUTES_NEEDED, HOUR_WINDOWS, RollingHour, believed_hours, lowest_hour
from nightflow.known import (
    DAY_HOURS_NEEDED,
    FIXED,
    NIGHTS,
    SHARE,
    USERS,
    Range,
    SensorFigures,
    litres,
    night_use,
    unavoidable,
)

PERCENTILE = 0.2
PERCENTILE_DAYS = 7
PERCENTILE_NIGHTS_NEEDED = 3  # of the seven; with fewer it is no better than a single night
N1 = 1.0  # leakage exponent without local data: 0.5 for holes in steel, 1.5 for plastic and background leakage
REFERENCE_NIGHTS = 24  # earlier nights that a night's pressure and quietest flow are compared with
DAY_HOURS = 24


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
class EarlierNight:
    """An earlier night of the same sensor."""

    night: date
    flow_m3h: float
    pressure_bar: float | None


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
    night_use_m3h: Range | None = None
    night_use_by: str = SHARE  # then all ranges are estimates
    users: float | None = None
    litres: float | None = None
    n1: float = N1
    reference_bar: float | None = None
    reference_by: str = NIGHTS
    bound: RollingHour | None = None  # the highest leakage that its flow allows, and where it is
    leak_m3h: Range | None = None
    leak_reference_m3h: Range | None = None  # at the reference pressure, for comparing nights
    factor_h: float | None = None  # converts the night's leakage per hour to a day's
    pressure_hours: int = 0
    leak_m3d: Range | None = None
    uarl_m3d: float | None = None  # unavoidable real losses of that day

    @property
    def is_estimate(self) -> bool:
        """Whether the night use is a guess."""
        return self.night_use_by == SHARE


def quiet_hour(tenths: Mapping[int, Tenth]) -> QuietHour | None:
    """The night's minimum, with the pressure of that hour; None if no hour has enough accepted minutes."""
    lowest = lowest_hour(_flows(tenths))
    if lowest is None:
        return None
    return QuietHour(lowest.first, lowest.flow_m3h, _pressure(tenths, lowest), lowest.minutes)


def highest_leak(day: Mapping[int, Tenth], night_bar: float | None, n1: float) -> RollingHour | None:
    """The hour of the day that allows the least leakage in the night's hour, with that leakage as its flow.

    Leakage is not above the flow of any believed hour, neither as it is nor at the pressure of that hour.
    """
    allowed = (_allowed(hour, _pressure(day, hour), night_bar, n1) for hour in believed_hours(_flows(day)))
    return min(allowed, key=lambda hour: hour.flow_m3h, default=None)


def _allowed(hour: RollingHour, hour_bar: float | None, night_bar: float | None, n1: float) -> RollingHour:
    if hour_bar is None or night_bar is None:
        return hour
    return hour._replace(flow_m3h=hour.flow_m3h / max(1.0, math.pow(hour_bar / night_bar, n1)))


def _flows(tenths: Mapping[int, Tenth]) -> dict[int, tuple[float, int]]:
    return {step: (tenth.flow_sum, tenth.flow_count) for step, tenth in tenths.items()}


def _pressure(tenths: Mapping[int, Tenth], hour: RollingHour) -> float | None:
    parts = [tenths.get(step, Tenth()) for step in range(hour.first, hour.first + HOUR_WINDOWS)]
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
    earlier: Sequence[EarlierNight],
    *,
    known: SensorFigures | None = None,
    day: Mapping[int, Tenth] | None = None,
) -> Leakage:
    """One night of one sensor.

    Args:
        tenths: the report's ten-minute steps that have a row, by their number from 0.
        hours_bar: mean pressure of each hour of the 24 before the night's end that has one.
        earlier: nights before this one, in any order; those older than `REFERENCE_NIGHTS` days are not used.
        known: the utility's settings of the sensor, or None.
        day: the steps of the whole day, `tenths` among them, by the same numbers; None: only `tenths` are known.
    """
    known = known or SensorFigures()
    parts = tenths.values()
    counted = Leakage(
        night,
        quiet_hour(tenths),
        good_minutes=sum(part.flow_count for part in parts),
        faulty_minutes=sum(part.faulty for part in parts),
        planned_minutes=sum(part.planned for part in parts),
        n1=known.n1 if known.n1 is not None else N1,
        pressure_hours=len(hours_bar),
        uarl_m3d=unavoidable(known, hours_bar),
    )
    if counted.hour is None:
        return counted
    bound = highest_leak({**(day or {}), **tenths}, counted.hour.pressure_bar, counted.n1)
    return _with_figures(replace(counted, bound=bound), counted.hour, hours_bar, earlier, known)


def _with_figures(
    counted: Leakage, hour: QuietHour, hours_bar: Sequence[float], earlier: Sequence[EarlierNight], known: SensorFigures
) -> Leakage:
    night, n1 = counted.night, counted.n1
    before = [one for one in earlier if _comparable(one, night, known)]
    week = [e.flow_m3h for e in before if e.night > night - timedelta(days=PERCENTILE_DAYS)] + [hour.flow_m3h]
    use, by = night_use(known, [e.flow_m3h for e in before] + [hour.flow_m3h])
    leak = _leak(hour, use, counted.bound)
    reference_bar, reference_by = _reference(known, before, hour)
    factor_h = night_day_factor(hours_bar, hour.pressure_bar, n1) if hour.pressure_bar is not None else None
    return replace(
        counted,
        percentile_m3h=percentile(week, PERCENTILE) if len(week) >= PERCENTILE_NIGHTS_NEEDED else None,
        percentile_nights=len(week),
        night_use_m3h=use,
        night_use_by=by,
        users=known.users if by == USERS else None,
        litres=litres(known) if by == USERS else None,
        reference_bar=reference_bar,
        reference_by=reference_by,
        leak_m3h=leak,
        leak_reference_m3h=_times(leak, _to_reference(hour.pressure_bar, reference_bar, n1)),
        factor_h=factor_h,
        leak_m3d=_times(leak, factor_h),
    )


def _leak(hour: QuietHour, use: Range, bound: RollingHour | None) -> Range | None:
    """The night's leakage; None if an hour of the day without flow, or with flow backward, contradicts it."""
    highest = min(hour.flow_m3h, bound.flow_m3h) if bound else hour.flow_m3h
    if highest < 0 or highest == 0 < hour.flow_m3h:
        return None
    return Range(*(min(highest, max(0.0, hour.flow_m3h - one)) for one in (use.high, use.low)))


def _times(leak: Range | None, factor: float | None) -> Range | None:
    return None if leak is None or factor is None else Range(leak.low * factor, leak.high * factor)


def _comparable(one: EarlierNight, night: date, known: SensorFigures) -> bool:
    """Whether an earlier night is recent enough and from the same instrument."""
    near = night - timedelta(days=REFERENCE_NIGHTS) < one.night < night
    return near and (known.replaced is None or (one.night > known.replaced) == (night > known.replaced))


def _reference(known: SensorFigures, before: Sequence[EarlierNight], hour: QuietHour) -> tuple[float | None, str]:
    """The reference pressure for comparing nights, and its source; None for a night without a pressure."""
    if hour.pressure_bar is None:
        return None, NIGHTS
    if known.reference_bar is not None:
        return known.reference_bar, FIXED
    return statistics.median([hour.pressure_bar, *(e.pressure_bar for e in before if e.pressure_bar)]), NIGHTS


def _to_reference(pressure_bar: float | None, reference_bar: float | None, n1: float) -> float | None:
    """The factor from the leakage at a pressure to that at the reference."""
    return None if pressure_bar is None or reference_bar is None else math.pow(reference_bar / pressure_bar, n1)
