"""The model's inputs at an origin, gathered window by window from a panel.

Shapes: B windows, L leads. An origin is the last row that may be used; lead h means row origin + h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from forecaster import features
from forecaster.dataset import BoolArray, IntArray
from forecaster.fallback import BASE_WEEKS, DAY, WEEK
from forecaster.features import SPAN, Array, columns, in_order
from forecaster.panel import Panel


class Batch(NamedTuple):
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
    alike = panel.of_site[series] + panel.kind[series]
    others_n = _windows(panel.others_n, alike, origin, SPAN) - seen
    others = (_windows(panel.others, alike, origin, SPAN) - own) / np.maximum(others_n, 1)
    if drop is not None:
        keep = np.repeat(~drop, DAY, axis=1)
        own, seen = own * keep, seen * keep
    past = _Past(own, seen, others, _partner(panel, series, alike, origin))
    bases = [(i.name, shape) for i, shape in zip(features.BASES, panel.shapes, strict=True)]
    known = {"base": panel.level, "spread": panel.spread, **dict(bases)}
    recent = {name: _windows(a, series, origin, features.STEPS) for name, a in known.items()}
    recent |= {name: getattr(past, name)[:, -features.STEPS :] for name in ("own", "seen", "others", "partner")}
    return Batch(
        in_order(features.HOUR_INPUTS, recent),
        _shared(panel, series, origin, past),
        _lead(panel, series, origin, leads, past),
    )


def _windows(a: Array, line: IntArray, origin: IntArray, rows: int) -> Array:
    """The last `rows` of a[line] up to each window's origin, on the padded grid. [B, rows]"""
    return np.lib.stride_tricks.sliding_window_view(a, rows, axis=1)[line, origin + SPAN + 1 - rows]


def _partner(panel: Panel, series: IntArray, alike: IntArray, origin: IntArray) -> Array:
    """Residuals of the sensor's other channel; without one, the mean of the site's series of other kinds. [B, SPAN]

    `alike` [B]: the line in `others` of the site's series of this kind."""
    has = panel.partner[series]
    pair = _windows(panel.z, np.maximum(has, 0), origin, SPAN)
    if (has >= 0).all():
        return pair
    last = panel.of_site[series] + len(features.KINDS)
    rest = _windows(panel.others, last, origin, SPAN) - _windows(panel.others, alike, origin, SPAN)
    rest_n = _windows(panel.others_n, last, origin, SPAN) - _windows(panel.others_n, alike, origin, SPAN)
    return np.where((has >= 0)[:, None], pair, rest / np.maximum(rest_n, 1))


def _sums_of_last(values: Array) -> Array:
    """Sums of the last features.WINDOWS_H hours. [B, len(features.WINDOWS_H)]"""
    pieces = np.add.reduceat(values, [SPAN - hours for hours in reversed(features.WINDOWS_H)], axis=1)
    return cast(Array, pieces[:, ::-1].cumsum(1))


def _shared(panel: Panel, series: IntArray, origin: IntArray, past: _Past) -> Array:
    """What all leads of a window have in common. [B, SHARED]"""
    at = origin + SPAN
    count = cast(Array, np.maximum(_sums_of_last(past.seen), 1))
    day = panel.calendar[panel.of_calendar[series], at]
    values = {
        "own_hours": past.own[:, -features.RECENT_H :],
        "seen_hours": past.seen[:, -features.RECENT_H :],
        "own_means": _sums_of_last(past.own) / count,
        "own_sizes": _sums_of_last(np.abs(past.own)) / count,
        "base_hours": np.stack([panel.level[series, at - k] for k in range(features.BASE_RECENT_H)], 1),
        "spread": panel.spread[series, at],
        "seen_week": past.seen[:, -WEEK:].mean(1),
        "kind": np.eye(len(features.KINDS), dtype=np.float32)[panel.kind[series]],
        **{i.name: day[:, columns(features.CALENDAR, i.name)][:, 0] for i in features.DAY_CIRCLE},
    }
    for name, cross in (("others", past.others), ("partner", past.partner)):
        values[f"{name}_hours"] = cross[:, -features.CROSS_RECENT_H :]
        values[f"{name}_means"] = np.stack([cross[:, -h:].mean(1) for h in features.CROSS_H], 1)
    return in_order(features.SHARED_INPUTS, values)


def _lead(panel: Panel, series: IntArray, origin: IntArray, leads: IntArray, past: _Past) -> Array:
    """What belongs to one target hour. [B, L, LEAD]"""
    target = origin[:, None] + leads + SPAN
    width = panel.level.shape[1]
    at = series[:, None] * width + target
    base = panel.level.take(at)
    values = {
        "base": base,
        "base_rise": base - panel.level[series, origin + SPAN][:, None],
        "spread": panel.spread.take(at),
        "weeks": panel.weeks.take(at) / BASE_WEEKS,
        **{i.name: shape.take(at) for i, shape in zip(features.BASES, panel.shapes, strict=True)},
    }
    hour, day_hour = leads - 1, (leads - 1) % DAY
    last_day, last_week = SPAN - DAY + day_hour, SPAN - WEEK + hour
    places = {"1_week": last_week, "2_weeks": last_week - WEEK, "3_weeks": last_week - 2 * WEEK}
    places |= {"1_day": last_day, "2_days": last_day - DAY}
    values |= {f"own_{name}": _at(past.own, place) for name, place in places.items()}
    values |= {f"seen_{name}": _at(past.seen, place) for name, place in places.items()}
    values["own_1_day_next"] = _at(past.own, SPAN - DAY + (day_hour + 1) % DAY)
    values["own_1_day_previous"] = _at(past.own, SPAN - DAY + (day_hour - 1) % DAY)
    for name, rows in (("own_week_mean", WEEK), ("own_month_mean", SPAN)):
        total, count = (np.einsum("bdh->bh", a[:, -rows:].reshape(-1, rows // DAY, DAY)) for a in (past.own, past.seen))
        values[name] = _at(total / np.maximum(count, 1), day_hour)
    for name, cross in (("others", past.others), ("partner", past.partner)):
        values |= {f"{name}_1_day": _at(cross, last_day), f"{name}_1_week": _at(cross, last_week)}
    ahead = leads.astype(np.float32)
    values |= {"lead_log": np.log(ahead) / 5, "lead_fade": np.exp((1 - ahead) / 3)}
    days = panel.calendar.reshape(-1, panel.calendar.shape[2])
    calendar = np.moveaxis(days.take(panel.of_calendar[series][:, None] * width + target, axis=0), 2, 0)
    values |= {i.name: value for i, value in zip(features.CALENDAR, calendar, strict=True)}
    return in_order(features.LEAD_INPUTS, values)


def _at(values: Array, column: IntArray) -> Array:
    """values[window, column[window, lead]] of each window and lead; much faster than to index so. [B, L]"""
    return cast(Array, values.take(np.arange(len(values))[:, None] * values.shape[1] + column))


def targets(panel: Panel, series: IntArray, origin: IntArray, leads: IntArray) -> tuple[Array, Array]:
    """Residuals to be forecast and their mask, both [B, L]."""
    at, line = origin[:, None] + leads + SPAN, series[:, None]
    return panel.z[line, at], panel.seen[line, at]
