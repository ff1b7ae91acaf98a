"""A history as the model sees it: residuals against the base, in units of each series' own scale, with masks.

Shapes: S series, R rows. Row r stands at column SPAN + r, so that a look back never leaves the arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecaster.dataset import BoolArray, FloatArray, HourlyHistory, IntArray
from forecaster.fallback import DAY, WEEK, Units
from forecaster.features import BASES, CALENDAR, KINDS, SPAN, Array, in_order
from forecaster.weather import WeatherInputs, inputs_of
from forecaster.weekly_profile import SUNDAY, Base, base_of

SERIES_AT_ONCE = 64  # bounds memory: half a year of them is two megabytes an array
CLIP = 8.0  # residuals beyond 8 scales say "far off", not how far


@dataclass(frozen=True)
class Panel:
    """A history in model units. `z` = residual / scale (0 where missing), `seen` its mask, both [S, SPAN + R + WEEK];
    `level`, `spread`, `weeks` = the base in scales; `units` turn it back. Row r stands at SPAN + r."""

    z: Array
    seen: Array
    level: Array
    spread: Array
    weeks: Array
    shapes: Array  # [BASES, S, SPAN + R + WEEK]: other bases minus the base, in scales
    others: Array  # [kinds + 1, SPAN + R + WEEK]: sum of z over the series of a kind; last = all series
    others_n: Array
    kind: IntArray
    partner: IntArray  # [S] index or -1
    calendar: Array  # [SPAN + R + WEEK, CALENDAR]
    units: Units
    base: FloatArray  # [S, R + WEEK] in the series' own unit
    rows: int
    weather: WeatherInputs | None


def panel_of(history: HourlyHistory, units: Units, skip: int = 0) -> Panel:
    """Prepare a history, in the given units. The panel's row 0 is the history's row `skip`: what is before it is
    in the base, and need not be seen itself."""
    series, rows = len(history.series), history.rows - skip
    weather = inputs_of(history)
    parts, base = np.zeros((5 + len(BASES), series, SPAN + rows + WEEK), dtype=np.float32), []
    for start in range(0, series, SERIES_AT_ONCE):
        cut = slice(start, start + SERIES_AT_ONCE)
        own = Units(units.scale[cut], units.centre[cut], units.swing[cut])
        here = base_of(replace(history, series=history.series[cut], y=history.y[cut]), own.scale).since(skip)
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
        weather=weather and weather.since(skip),
    )


def _in_units(y: FloatArray, base: Base, units: Units) -> FloatArray:
    """Residual, mask, level, spread, weeks and the other bases of some series. [5 + len(BASES), S, R + WEEK]"""
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
    values = {
        "day_sin": np.sin(of_day),
        "day_cos": np.cos(of_day),
        "half_day_sin": np.sin(2 * of_day),
        "half_day_cos": np.cos(2 * of_day),
        "week_sin": np.sin(of_week),
        "week_cos": np.cos(of_week),
        "saturday": weekday == SUNDAY - 1,
        "sunday": weekday == SUNDAY,
        "year_cos": np.cos(hour * (2 * np.pi / (365.2425 * DAY))),
    }
    return in_order(CALENDAR, {name: value.astype(np.float32) for name, value in values.items()})
