"""What the model sees at an origin: residuals against the base, in units of each series' own scale, with masks.

Shapes: S series, R rows, B windows, L leads. An origin is the last row that may be used; lead h means row origin + h.
Everything is gathered batch by batch from a few arrays of [S, R], so that memory is bounded by the history itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from forecaster.dataset import BoolArray, Channel, FloatArray, HourlyHistory, IntArray
from forecaster.fallback import DAY, WEEK, Units
from forecaster.weekly_profile import ALTERNATIVES, SUNDAY, Base, base_of

Array = npt.NDArray[np.float32]

DAYS = 28  # how far the inputs look back
SPAN = DAYS * DAY
SERIES_AT_ONCE = 64  # bounds memory: half a year of them is two megabytes an array
CLIP = 8.0  # residuals beyond 8 scales say "far off", not how far
WINDOWS_H = (3, 6, 12, 24, 72, 168, SPAN)  # own residual means
CROSS_H = (1, 3, 24, 168)  # means of the others and of the partner
RECENT_H = 24  # last hours in full
STEPS = 48  # hours that the LSTM reads; older ones come as means and as the same hour of other days
KINDS: tuple[Channel, ...] = ("flow", "pressure", "level")

HOUR = 6 + ALTERNATIVES  # numbers that the LSTM reads each hour
SHARED = 2 * RECENT_H + 2 * len(WINDOWS_H) + 2 * (6 + len(CROSS_H) + 1) + 4 + 4 + 2 + len(KINDS)
LEAD = 33 + ALTERNATIVES


@dataclass(frozen=True)
class Panel:
    """A history in model units. `z` = residual / scale (0 where missing), `seen` its mask, both [S, SPAN + R + WEEK];
    `level`, `spread`, `weeks` = the base in scales; `units` turn it back. Row r stands at SPAN + r."""

    z: Array
    seen: Array
    level: Array
    spread: Array
    weeks: Array
    shapes: Array  # [ALTERNATIVES, S, SPAN + R + WEEK]: other bases minus the base, in scales
    others: Array  # [kinds + 1, SPAN + R + WEEK]: sum of z over the series of a kind; last = all series
    others_n: Array
    kind: IntArray
    partner: IntArray  # [S] index or -1
    calendar: Array  # [SPAN + R + WEEK, 9]
    units: Units
    base: FloatArray  # [S, R + WEEK] in the series' own unit
    rows: int


def panel_of(history: HourlyHistory, units: Units, skip: int = 0) -> Panel:
    """Prepare a history, in the given units. The panel's row 0 is the history's row `skip`: what is before it is
    in the base, and need not be seen itself."""
    series, rows = len(history.series), history.rows - skip
    parts, base = np.zeros((5 + ALTERNATIVES, series, SPAN + rows + WEEK), dtype=np.float32), []
    for start in range(0, series, SERIES_AT_ONCE):
        cut = slice(start, start + SERIES_AT_ONCE)
        own = Units(units.scale[cut], units.centre[cut], units.swing[cut])
        here = base_of(replace(history, series=history.series[cut], y=history.y[cut]), own.scale, skip)
        base.append(here.level)
        parts[:, cut, SPAN:] = _in_units(history.y[cut, skip:], here, own)
    z, seen, level, spread, weeks = parts[:5]
    kind = np.array([KINDS.index(s.channel) for s in history.series], dtype=np.int64)
    groups = [kind == k for k in range(len(KINDS))] + [kind >= 0]
    return Panel(
        z=z,
        seen=seen,
        level=level,
        spread=spread,
        weeks=weeks,
        shapes=parts[5:],
        others=_sums(z, groups),
        others_n=_sums(seen, groups),
        kind=kind,
        partner=history.partner(),
        calendar=_calendar(history, skip, rows),
        units=units,
        base=np.concatenate(base) if base else np.empty((0, rows + WEEK)),
        rows=rows,
    )


def _in_units(y: FloatArray, base: Base, units: Units) -> FloatArray:
    """Residual, mask, level, spread, weeks and the other bases of some series. [5 + ALTERNATIVES, S, R + WEEK]"""
    unit = np.where(np.isfinite(units.scale), units.scale, 1.0)[:, None]
    level = base.level
    residual = np.full_like(level, np.nan)
    residual[:, : y.shape[1]] = (y - level[:, : y.shape[1]]) / unit
    seen = np.isfinite(residual)
    known = np.where(np.isfinite(level), (level - units.centre[:, None]) / units.swing[:, None], 0.0)
    parts = [np.clip(np.where(seen, residual, 0.0), -CLIP, CLIP), seen, np.clip(known, -4, 4)]
    parts += [np.clip(base.spread / unit, 0, 20), base.weeks]
    return np.stack([*parts, *np.clip(base.others / unit, -CLIP, CLIP)])


def _sums(values: Array, groups: list[BoolArray]) -> Array:
    """Sums over groups of series; a group without any is zero. [groups, rows]"""
    return np.stack([values.sum(0, where=g[:, None]) for g in groups])


def _calendar(history: HourlyHistory, skip: int, rows: int) -> Array:
    """Hour and week as circles, weekend flags, and a year circle, for each row of the padded grid."""
    hour = int(history.first.astype(int)) + skip - SPAN + np.arange(SPAN + rows + WEEK)
    of_day = (hour % DAY) * (2 * np.pi / DAY)
    holiday = history.are_holidays(skip - SPAN, len(hour))
    weekday = np.where(holiday, SUNDAY, history.weekdays(skip - SPAN, len(hour)))
    of_week = ((hour + 3 * DAY) % WEEK) * (2 * np.pi / WEEK)
    of_year = hour * (2 * np.pi / (365.2425 * DAY))
    parts = [np.sin(of_day), np.cos(of_day), np.sin(2 * of_day), np.cos(2 * of_day), np.sin(of_week), np.cos(of_week)]
    parts += [weekday == 5, weekday == 6, np.cos(of_year)]
    return np.stack(parts, 1).astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """Model inputs: `recent` [B, STEPS, HOUR], `shared` [B, SHARED], `lead` [B, L, LEAD]."""

    recent: Array
    shared: Array
    lead: Array


@dataclass(frozen=True)
class _Past:
    """The SPAN rows up to the origin, each [B, SPAN]: own residuals and mask, mean residual of the others of this
    kind, residual of the partner."""

    own: Array
    seen: Array
    others: Array
    partner: Array


def gather(panel: Panel, series: IntArray, origin: IntArray, leads: IntArray, drop: BoolArray | None = None) -> Batch:
    """Inputs of B windows. `series`, `origin` [B] (row numbers), `leads` [B, L] (1..168).

    `drop` [B, DAYS] blanks whole days of the past (augmentation)."""
    own, seen = _windows(panel.z, series, origin, SPAN), _windows(panel.seen, series, origin, SPAN)
    kind = panel.kind[series]
    others_n = _windows(panel.others_n, kind, origin, SPAN) - seen
    others = (_windows(panel.others, kind, origin, SPAN) - own) / np.maximum(others_n, 1)
    if drop is not None:
        keep = np.repeat(~drop, DAY, axis=1)
        own, seen = own * keep, seen * keep
    past = _Past(own, seen, others, _partner(panel, series, kind, origin))
    known = [_windows(a, series, origin, STEPS) for a in (panel.level, panel.spread, *panel.shapes)]
    recent = np.stack([*(a[:, -STEPS:] for a in (own, seen, others, past.partner)), *known], 2)
    return Batch(recent, _shared(panel, series, origin, past), _lead(panel, series, origin, leads, past))


def _windows(a: Array, line: IntArray, origin: IntArray, rows: int) -> Array:
    """The last `rows` of a[line] up to each window's origin, on the padded grid. [B, rows]"""
    return np.lib.stride_tricks.sliding_window_view(a, rows, axis=1)[line, origin + SPAN + 1 - rows]


def _partner(panel: Panel, series: IntArray, kind: IntArray, origin: IntArray) -> Array:
    """Residuals of the sensor's other channel; without one, the mean of all series of other kinds. [B, SPAN]"""
    has = panel.partner[series]
    pair = _windows(panel.z, np.maximum(has, 0), origin, SPAN)
    if (has >= 0).all():
        return pair
    last = np.full_like(kind, len(KINDS))
    rest = _windows(panel.others, last, origin, SPAN) - _windows(panel.others, kind, origin, SPAN)
    rest_n = _windows(panel.others_n, last, origin, SPAN) - _windows(panel.others_n, kind, origin, SPAN)
    return np.where((has >= 0)[:, None], pair, rest / np.maximum(rest_n, 1))


def _sums_of_last(values: Array) -> Array:
    """Sums of the last WINDOWS_H hours. [B, len(WINDOWS_H)]"""
    pieces = np.add.reduceat(values, [SPAN - hours for hours in reversed(WINDOWS_H)], axis=1)
    return cast(Array, pieces[:, ::-1].cumsum(1))


def _shared(panel: Panel, series: IntArray, origin: IntArray, past: _Past) -> Array:
    """What all leads of a window have in common. [B, SHARED]"""
    parts = [past.own[:, -RECENT_H:], past.seen[:, -RECENT_H:]]
    count = cast(Array, np.maximum(_sums_of_last(past.seen), 1))
    parts += [_sums_of_last(past.own) / count, _sums_of_last(np.abs(past.own)) / count]
    for cross in (past.others, past.partner):
        parts.append(cross[:, -6:])
        parts.append(np.stack([cross[:, -h:].mean(1) for h in CROSS_H], 1))
        parts.append(cross.mean(1, keepdims=True))
    at = origin + SPAN
    parts.append(np.stack([panel.level[series, at - k] for k in range(4)], 1))
    parts.append(panel.calendar[at][:, :4])
    parts.append(np.stack([panel.spread[series, at], past.seen[:, -WEEK:].mean(1)], 1))
    parts.append(np.eye(len(KINDS), dtype=np.float32)[panel.kind[series]])
    return np.concatenate(parts, 1)


def _lead(panel: Panel, series: IntArray, origin: IntArray, leads: IntArray, past: _Past) -> Array:
    """What belongs to one target hour. [B, L, LEAD]"""
    target = origin[:, None] + leads + SPAN
    at = series[:, None] * panel.level.shape[1] + target
    level, spread, weeks = (a.take(at) for a in (panel.level, panel.spread, panel.weeks))
    parts = [level, level - panel.level[series, origin + SPAN][:, None]]
    parts += [spread, weeks / 4, *(a.take(at) for a in panel.shapes)]
    hour, day_hour = leads - 1, (leads - 1) % DAY
    for back in (WEEK, 2 * WEEK, 3 * WEEK):  # the same weekday and hour, one to three weeks before
        parts += [_at(a, SPAN - back + hour) for a in (past.own, past.seen)]
    for back in (DAY, 2 * DAY):  # the same hour of the last day that is known, and of the one before
        parts += [_at(a, SPAN - back + day_hour) for a in (past.own, past.seen)]
    parts += [_at(past.own, SPAN - DAY + (day_hour + hour_off) % DAY) for hour_off in (1, -1)]
    for rows in (WEEK, SPAN):
        total, count = (np.einsum("bdh->bh", a[:, -rows:].reshape(-1, rows // DAY, DAY)) for a in (past.own, past.seen))
        parts.append(_at(total / np.maximum(count, 1), day_hour))
    for cross in (past.others, past.partner):
        parts += [_at(cross, SPAN - DAY + day_hour), _at(cross, SPAN - WEEK + hour)]
    ahead = leads.astype(np.float32)
    parts += [np.log(ahead) / 5, np.exp((1 - ahead) / 3)]
    return np.concatenate([np.stack(parts, 2), panel.calendar.take(target, axis=0)], 2)


def _at(values: Array, column: IntArray) -> Array:
    """values[window, column[window, lead]] of each window and lead; much faster than to index so. [B, L]"""
    return cast(Array, values.take(np.arange(len(values))[:, None] * values.shape[1] + column))


def targets(panel: Panel, series: IntArray, origin: IntArray, leads: IntArray) -> tuple[Array, Array]:
    """Residuals to be forecast and their mask, both [B, L]."""
    at, line = origin[:, None] + leads + SPAN, series[:, None]
    return panel.z[line, at], panel.seen[line, at]
