"""The usual flow of a sensor: profile, slow level, and variation."""

import numpy as np

from outliers.criteria import QUARTERS, FlowUse
from outliers.learn.day_kinds import Calendar, Ints
from outliers.learn.hourly import fit_hours, score_limits
from outliers.learn.return_level import Floats, spread
from outliers.learn.rolling import by_slot
from outliers.learn.step_change import step_limits
from outliers.learn.without_leaks import ArchiveHours, calm
from outliers.rules import HOUR_ROWS, LEVEL_DAYS, SUNDAY

LEAST_QUARTER_ROWS = 8
ODD_DAY = 3.5  # robust spreads: a day further off (holiday, burst, fault) is not used for the profile
SELF_FIT = 2.0  # weeks: profile and spread of each hour are fitted to its own values
MARGIN_WEEKS = 26.0  # weeks of archive that the other margins assume
LIKE_SUNDAY = 0.5  # of the squared distance to its own kind of day: if this much nearer to Sundays, it was a holiday


def flow_use(flow: Floats, pressure: Floats, calendar: Calendar, return_days: float) -> FlowUse:
    """Learn the usual flow from cleaned one-minute `flow` (m3/h) and `pressure` (bar), NaN = none."""
    mean = float(np.nanmean(flow))
    calendar = with_holidays(flow, calendar)
    profile = usual_profile(flow, calendar)
    usual = expected(profile, calendar)
    ratio = hourly_ratio(flow, usual)
    slot = calendar.slot_of(np.arange(len(ratio)) * 60)
    level = slow_level(ratio)
    model = fit_hours(ratio, slot, by_slot(ratio - level, slot))
    whole = ArchiveHours(flow, pressure, usual * np.repeat(1.0 + level, 60), ratio, slot, mean / hourly_mean(usual))
    rest = calm(whole, model, mean, float(level[0]))
    texture, walked = rest.texture, rest.walked
    wider = short_margin(np.count_nonzero(np.isfinite(ratio)) / 168)
    watch, early, short, long = (
        wider * limit for limit in score_limits(walked.scores, return_days, textured=texture is not None)
    )
    steps = step_limits(rest.flow, usual, walked.ahead, calendar, return_days, texture=texture)
    return FlowUse(
        mean_m3h=mean,
        profile_m3h=tuple(tuple(map(float, day)) for day in profile),
        hours=model,
        level=float(level[-1]),
        watch_score=watch,
        early_score=early,
        short_score=short,
        long_score=long,
        step_spread_m3h=tuple(map(float, steps.spread_m3h)),
        lasting_spread_m3h=tuple(map(float, steps.lasting_spread_m3h)),
        step_watch=tuple(wider * limit for limit in steps.watch),
        step_leak=wider * steps.leak,
        texture=texture.use if texture else None,
    )


def short_margin(weeks: float) -> float:
    """The factor that widens limits from this many weeks.

    Profile and spread of an hour of the week rest on one value per week. With few weeks they overfit, and the archive
    looks calmer than the time after it.
    """
    return max(1.0, (1 + SELF_FIT / weeks) / (1 + SELF_FIT / MARGIN_WEEKS)) if weeks > 0 else 1.0


def with_holidays(flow: Floats, calendar: Calendar) -> Calendar:
    """The calendar with working days that clearly looked like a Sunday as Sundays: holidays that nobody entered.

    Otherwise they would determine the limits: the late morning of a holiday is the largest rise in most archives.
    """
    days, kinds = quarter_table(flow, calendar)
    shape = days / day_level(days)[:, None]
    usable = np.isfinite(shape).sum(axis=1) > QUARTERS // 2
    hours = shape.reshape(len(shape), 24, 4)
    hours = np.where(np.isfinite(hours), hours, 0.0).sum(axis=2) / np.maximum(np.isfinite(hours).sum(axis=2), 1)
    typical = np.array([np.median(hours[usable & (kinds == kind)], axis=0) for kind in range(7)])
    own = ((hours - typical[kinds]) ** 2).sum(axis=1)
    sunday = ((hours - typical[SUNDAY]) ** 2).sum(axis=1)
    like = usable & (kinds != SUNDAY) & (sunday < LIKE_SUNDAY * own)
    return calendar.with_sundays(int(calendar.local[0]) // 1440 + np.flatnonzero(like))


def usual_profile(flow: Floats, calendar: Calendar) -> Floats:
    """7 x 96 usual flow, m3/h: of each day of the week, shrunk towards the mean of the working days as far as the
    archive cannot separate them."""
    days, kinds = quarter_table(flow, calendar)
    level, seen = day_level(days), np.flatnonzero(np.isfinite(days).any(axis=0))
    shape = days[:, seen] / level[:, None]
    usable = np.isfinite(shape).sum(axis=1) > QUARTERS // 2
    for _ in range(2):
        typical = _by_kind(shape, usable, kinds)
        off = np.full(len(shape), np.nan)
        off[usable] = np.sqrt(np.nanmean((shape - typical[kinds])[usable] ** 2, axis=1))
        usable &= off <= np.nanmedian(off) + ODD_DAY * spread(off)
    working = _mean(shape[usable & (kinds < 5)])
    profile = _by_kind(shape, usable, kinds)
    for kind in range(5):
        mine = shape[usable & (kinds == kind)]
        mine = mine[:, np.isfinite(mine).any(axis=0)]
        noise = float(np.nanvar(mine, axis=0).mean()) / len(mine) if mine.size else 0.0
        apart = max(0.0, float(((profile[kind] - working) ** 2).mean()) - noise)
        profile[kind] = working + (profile[kind] - working) * (apart / (apart + noise) if apart else 0.0)
    profile = np.array([np.interp(np.arange(QUARTERS), seen, day, period=QUARTERS) for day in profile])
    smooth = (np.roll(profile, 1, axis=1) + 2 * profile + np.roll(profile, -1, axis=1)) / 4
    positive = np.maximum(smooth, 0.02 * np.nanmean(smooth))
    result: Floats = positive * float(np.nanmean(level))
    return result


def _by_kind(shape: Floats, usable: np.ndarray, kinds: Ints) -> Floats:
    """The mean day of each kind; of all of them at a time, or of a kind, that is not in the archive."""
    all_days = _mean(shape[usable])
    return np.array([_mean(shape[usable & (kinds == kind)], all_days) for kind in range(7)])


def _mean(rows: Floats, otherwise: Floats | float = 1.0) -> Floats:
    """Mean of each column."""
    known = np.isfinite(rows)
    counts = known.sum(axis=0)
    means: Floats = np.where(counts, np.where(known, rows, 0.0).sum(axis=0) / np.maximum(counts, 1), otherwise)
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
    days = days[:, np.isfinite(days).any(axis=0)]
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
    """The profile at each minute, linear between the middles of the quarters, as in the detector."""
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


def hourly_ratio(flow: Floats, usual: Floats) -> Floats:
    """Each hour's flow / usual - 1 from its good rows; NaN = fewer than `HOUR_ROWS`."""
    hours = len(flow) // 60
    good = np.isfinite(flow[: hours * 60]).reshape(hours, 60)
    total = np.where(good, flow[: hours * 60].reshape(hours, 60), 0.0).sum(axis=1)
    base = np.where(good, usual[: hours * 60].reshape(hours, 60), 0.0).sum(axis=1)
    enough = good.sum(axis=1) >= HOUR_ROWS
    ratio: Floats = np.where(enough, total / np.where(enough, base, 1.0) - 1.0, np.nan)
    return ratio


def slow_level(ratio: Floats) -> Floats:
    """The ratio's level at each hour: a centred mean of `LEVEL_DAYS`, with extreme hours clipped."""
    cut = np.clip(ratio, *(np.nanmedian(ratio) + 4 * spread(ratio) * np.array([-1, 1])))
    known = np.isfinite(cut)
    window = np.ones(LEVEL_DAYS * 24)
    total = np.convolve(np.where(known, cut, 0.0), window, "same")
    count = np.convolve(known.astype(float), window, "same")
    level: Floats = total / np.maximum(count, 1.0)
    return level
