"""The usual flow and pressure of a sensor: profile, slow level, and how far they stray."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from common.criteria import QUARTERS, FlowUse, PressureUse
from nightflow.extremes import Floats, daily_maxima, normal_level, return_level, spread
from nightflow.hours import fit_hours, score_limits, walk

Ints = np.ndarray
EPOCH = date(1970, 1, 1)
SUNDAY = 6
HEADLOSS = 1.85
LEAST_QUARTER_ROWS = 8
LEVEL_DAYS = 15  # centred window of the slow level: longer than a week, shorter than a season
ODD_DAY = 3.5  # robust spreads: a day further off (holiday, burst, fault) teaches nothing about the profile
BASE_ROWS, BASE_LAG = 25, 7
FAST_ROWS, MIDDLE_ROWS, SLOW_ROWS, LASTING_ROWS = 4, 15, 60, 52  # as the detector's means
SUPPLY_DAYS, DRIFT_DAYS = 480.0, 960.0  # a false SUPPLY or drift of normal pressure in so many days
LEAST_STEP, LEAST_DRIFT = 0.03, 0.015  # of the mean pressure: smaller moves of a supply interest nobody
STRIDE = 3  # rows between two looks at the step


@dataclass(frozen=True, slots=True)
class Calendar:
    """Local time of each row: `local` = minutes of local wall clock since 1970, `kind` = day of week or Sunday."""

    local: Ints
    kind: Ints  # of each row

    @classmethod
    def of(cls, first: int, rows: int, zone: ZoneInfo, holidays: Collection[date]) -> "Calendar":
        """For `rows` minutes from UTC minute `first`, a full hour."""
        offsets = []
        for hour in range(-(-rows // 60)):
            moment = datetime.fromtimestamp((first + hour * 60) * 60, zone)
            offset = moment.utcoffset() or timedelta()
            offsets.append(int(offset.total_seconds()) // 60)
        local = first + np.arange(rows) + np.repeat(np.array(offsets), 60)[:rows]
        days = local // 1440
        kind = (days + 3) % 7  # 1970-01-01 was a Thursday
        for holiday in holidays:
            kind[days == (holiday - EPOCH).days] = SUNDAY
        return cls(local, kind)

    def hour_of(self, rows: Ints) -> Ints:
        """Local hour of the day of the given rows."""
        hours: Ints = self.local[rows] % 1440 // 60
        return hours

    @property
    def quarter(self) -> Ints:
        """Local quarter of the day of each row."""
        quarters: Ints = self.local % 1440 // 15
        return quarters


def flow_use(flow: Floats, calendar: Calendar, return_days: float) -> FlowUse:
    """Learn the usual flow from cleaned one-minute `flow` (m3/h, NaN = none)."""
    mean = float(np.nanmean(flow))
    profile = usual_profile(flow, calendar)
    usual = expected(profile, calendar)
    ratio, of_hour = hourly_ratio(flow, usual, calendar)
    level = slow_level(ratio)
    model = fit_hours(ratio, ratio - level, of_hour)
    ahead, scores = walk(model, ratio, mean / hourly_mean(usual), of_hour, float(level[0]))
    watch, early, short, long = score_limits(scores, return_days)
    steps, lasting = step_statistics(flow, usual, ahead)
    hour = calendar.hour_of(np.arange(0, len(flow), STRIDE))
    step_spread, lasting_spread = by_hour(steps, hour), by_hour(lasting, hour)
    per_day = 1440 // STRIDE
    return FlowUse(
        mean_m3h=mean,
        profile_m3h=tuple(tuple(map(float, day)) for day in profile),
        hours=model,
        level=float(level[-1]),
        watch_score=watch,
        early_score=early,
        short_score=short,
        long_score=long,
        step_spread_m3h=tuple(map(float, step_spread)),
        lasting_spread_m3h=tuple(map(float, lasting_spread)),
        step_watch=return_level(daily_maxima(steps / step_spread[hour], per_day), WATCH_RETURN_DAYS),
        step_leak=return_level(daily_maxima(lasting / lasting_spread[hour], per_day), return_days, rank=2),
    )


WATCH_RETURN_DAYS = 30.0  # a WATCH a month that means nothing is the price of seeing a burst within minutes


def usual_profile(flow: Floats, calendar: Calendar) -> Floats:
    """7 x 96 usual flow, m3/h: of each day of week, drawn towards the mean of the working days as far as the
    archive cannot tell them apart."""
    days, kinds = quarter_table(flow, calendar)
    level = day_level(days)
    shape = days / level[:, None]
    usable = np.isfinite(shape).sum(axis=1) > QUARTERS // 2
    for _ in range(2):
        typical = np.array([_mean(shape[usable & (kinds == kind)]) for kind in range(7)])
        off = np.full(len(shape), np.nan)
        off[usable] = np.sqrt(np.nanmean((shape - typical[kinds])[usable] ** 2, axis=1))
        usable &= off <= np.nanmedian(off) + ODD_DAY * spread(off)
    working = _mean(shape[usable & (kinds < 5)])
    profile = np.array([_mean(shape[usable & (kinds == kind)]) for kind in range(7)])
    for kind in range(5):
        mine = shape[usable & (kinds == kind)]
        noise = np.nanvar(mine, axis=0).mean() / max(1, len(mine))
        apart = max(0.0, float(((profile[kind] - working) ** 2).mean()) - noise)
        profile[kind] = working + (profile[kind] - working) * apart / (apart + noise)
    smooth = (np.roll(profile, 1, axis=1) + 2 * profile + np.roll(profile, -1, axis=1)) / 4
    positive = np.maximum(smooth, 0.02 * np.nanmean(smooth))
    result: Floats = positive * float(np.nanmean(level))
    return result


def _mean(rows: Floats) -> Floats:
    """Mean of each column; where a day of the week is not in the archive, one."""
    known = np.isfinite(rows)
    counts = known.sum(axis=0)
    means: Floats = np.where(counts, np.where(known, rows, 0.0).sum(axis=0) / np.maximum(counts, 1), 1.0)
    return means


def quarter_table(flow: Floats, calendar: Calendar) -> tuple[Floats, Ints]:
    """Local days x 96 quarter-hour means (NaN = too few rows), and the kind of each day."""
    day = calendar.local // 1440
    first, count = int(day[0]), int(day[-1] - day[0]) + 1
    cell = (day - first) * QUARTERS + calendar.quarter
    good = np.isfinite(flow)
    rows = np.bincount(cell[good], minlength=count * QUARTERS)
    sums = np.bincount(cell[good], weights=flow[good], minlength=count * QUARTERS)
    table = np.where(rows >= LEAST_QUARTER_ROWS, sums / np.maximum(rows, 1), np.nan)
    kinds = np.zeros(count, dtype=int)
    kinds[day - first] = calendar.kind
    return table.reshape(count, QUARTERS), kinds


def day_level(days: Floats) -> Floats:
    """Slow level of each day, m3/h: robust, centred, longer than a week."""
    typical = np.nanmedian(days, axis=0)
    known = np.isfinite(days).sum(axis=1) > QUARTERS // 4
    factor = np.full(len(days), np.nan)
    factor[known] = np.nanmedian(days[known] / typical, axis=1) * np.nanmean(typical)
    half = LEVEL_DAYS // 2
    padded = np.pad(factor, half, mode="reflect")
    known = np.isfinite(padded)
    window = np.ones(LEVEL_DAYS)
    total = np.convolve(np.where(known, padded, 0.0), window, "valid")
    count = np.convolve(known.astype(float), window, "valid")
    level: Floats = np.where(count > 0, total / np.maximum(count, 1.0), np.nanmean(factor))
    return level


def expected(profile: Floats, calendar: Calendar) -> Floats:
    """The profile at each minute, straight between the middles of the quarters, as the detector reads it."""
    quarter, place = calendar.quarter, calendar.local % 15 - 7
    here = profile[calendar.kind, quarter]
    before = profile[calendar.kind, np.maximum(quarter - 1, 0)]
    after = profile[calendar.kind, np.minimum(quarter + 1, QUARTERS - 1)]
    usual: Floats = here + place / 15 * np.where(place > 0, after - here, here - before)
    return usual


def hourly_mean(values: Floats) -> Floats:
    """Means of whole hours."""
    means: Floats = values[: len(values) // 60 * 60].reshape(-1, 60).mean(axis=1)
    return means


def hourly_ratio(flow: Floats, usual: Floats, calendar: Calendar) -> tuple[Floats, Ints]:
    """Each hour's flow / usual - 1 over its good rows (NaN = fewer than 30), and its local hour of the day."""
    hours = len(flow) // 60
    good = np.isfinite(flow[: hours * 60]).reshape(hours, 60)
    total = np.where(good, flow[: hours * 60].reshape(hours, 60), 0.0).sum(axis=1)
    base = np.where(good, usual[: hours * 60].reshape(hours, 60), 0.0).sum(axis=1)
    enough = good.sum(axis=1) >= 30
    ratio = np.where(enough, total / np.where(enough, base, 1.0) - 1.0, np.nan)
    return ratio, calendar.hour_of(np.arange(hours) * 60)


def slow_level(ratio: Floats) -> Floats:
    """The ratio's level at each hour: a centred mean of `LEVEL_DAYS`, wild hours cut."""
    cut = np.clip(ratio, *(np.nanmedian(ratio) + 4 * spread(ratio) * np.array([-1, 1])))
    known = np.isfinite(cut)
    window = np.ones(LEVEL_DAYS * 24)
    total = np.convolve(np.where(known, cut, 0.0), window, "same")
    count = np.convolve(known.astype(float), window, "same")
    level: Floats = total / np.maximum(count, 1.0)
    return level


def step_statistics(flow: Floats, usual: Floats, ahead: Floats) -> tuple[Floats, Floats]:
    """Fast less slow mean of the residual, at once and `LASTING_ROWS` after its start, at every third row."""
    level = np.repeat(ahead, 60)[: len(flow)]
    rows = len(level)
    flow, usual = flow[:rows], usual[:rows]
    residual = flow - usual * (1.0 + level)
    fast, slow = running_mean(residual, 2 * FAST_ROWS - 1), running_mean(residual, 2 * SLOW_ROWS - 1)
    steps = fast - lagged(running_mean(residual, BASE_ROWS), BASE_LAG)
    still = lagged(level, LASTING_ROWS)  # the level stands still while a step is up
    middle = running_mean(flow - usual * (1.0 + still), 2 * MIDDLE_ROWS - 1)
    lasting = middle - lagged(slow, LASTING_ROWS)
    return steps[::STRIDE], lasting[::STRIDE]


def running_mean(values: Floats, rows: int) -> Floats:
    """Mean of the good values of the last `rows` rows; NaN where fewer than half are good."""
    good = np.isfinite(values)
    total = np.cumsum(np.r_[0.0, np.where(good, values, 0.0)])
    count = np.cumsum(np.r_[0, good])
    first = np.maximum(np.arange(1, len(values) + 1) - rows, 0)
    n = count[1:] - count[first]
    mean: Floats = np.where(n * 2 >= rows, (total[1:] - total[first]) / np.maximum(n, 1), np.nan)
    return mean


def lagged(values: Floats, rows: int) -> Floats:
    """Each value as it was `rows` rows earlier."""
    late: Floats = np.concatenate([np.full(rows, np.nan), values[:-rows]])
    return late


def by_hour(values: Floats, hour: Ints) -> Floats:
    """Robust spread for each hour of the day, smoothed over its neighbours, never nought."""
    each = np.array([spread(values[hour == number]) for number in range(24)])
    smooth: Floats = (np.roll(each, 1) + 2 * each + np.roll(each, -1)) / 4
    return np.maximum(smooth, 1e-6)


def pressure_use(flow: Floats, pressure: Floats, use: FlowUse, calendar: Calendar) -> PressureUse | None:
    """Learn the usual pressure; None with less than half of the rows."""
    good = np.isfinite(flow) & np.isfinite(pressure)
    if good.sum() < len(flow) // 4:
        return None
    cost = (np.clip(np.where(good, flow, np.nan), 0, None) / use.mean_m3h) ** HEADLOSS
    quarter = calendar.quarter
    cost_by, pressure_by = (_by_quarter(values, quarter, good) for values in (cost, pressure))
    x, y = (cost - cost_by[quarter])[good], (pressure - pressure_by[quarter])[good]
    core = np.abs(y) < 4 * spread(y)
    slope = min(0.0, float((x[core] * y[core]).sum() / max((x[core] ** 2).sum(), 1e-9)))
    still = pressure_by - slope * cost_by
    residual = np.where(good, pressure - still[quarter] - slope * cost, np.nan)
    fast, half_day = running_mean(residual, 15), running_mean(residual, 1439)
    away = np.abs(fast - lagged(half_day, 8))
    day = running_mean(residual, 2 * 1440 - 1)
    hours = running_mean(residual, 60)[59::60]
    middle, mean = float(np.nanmedian(day)), float(pressure[good].mean())
    return PressureUse(
        still_bar=tuple(map(float, still)),
        slope_bar=slope,
        spread_bar=spread(hours),
        memory=memory(hours),
        step_bar=max(return_level(daily_maxima(away, 1440), SUPPLY_DAYS), LEAST_STEP * mean),
        drift_bar=max(normal_level(daily_maxima(np.abs(day - middle), 1440), DRIFT_DAYS), LEAST_DRIFT * mean),
        level_bar=middle,
    )


def memory(values: Floats) -> float:
    """Correlation of each value with the one before it, within 0 and 0.98."""
    cut = np.clip(values - np.nanmedian(values), -4 * spread(values), 4 * spread(values))
    known = np.isfinite(cut[1:]) & np.isfinite(cut[:-1])
    now, before = cut[1:][known], cut[:-1][known]
    return float(np.clip((now * before).sum() / max((before**2).sum(), 1e-12), 0.0, 0.98))


def _by_quarter(values: Floats, quarter: Ints, good: np.ndarray) -> Floats:
    return np.array([np.median(values[good & (quarter == place)]) for place in range(QUARTERS)])
