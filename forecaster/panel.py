"""A history as the model sees it: residuals against the base, in units of each series' own scale, with masks.

Shapes: S series, R rows. Row r stands at column SPAN + r, so that a look back never leaves the arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecaster.dataset import FloatArray, HourlyHistory, IntArray
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
    others: Array  # [sites * (kinds + 1), SPAN + R + WEEK]: sum of z over a site's series of a kind; its last = all
    others_n: Array
    kind: IntArray
    of_site: IntArray  # [S] the first line of `others` of the series' site
    partner: IntArray  # [S] index or -1
    calendar: Array  # [calendars, SPAN + R + WEEK, CALENDAR]: sites with the same holidays share one
    of_calendar: IntArray  # [S]
    units: Units
    base: FloatArray  # [S, R + WEEK] in the series' own unit
    rows: int
    weather: WeatherInputs | None


def panel_of(history: HourlyHistory, units: Units, skip: int = 0) -> Panel:
    """Prepare a history, in the given units. The panel's row 0 is the history's row `skip`: what is before it is
    in the base, and need not be seen itself."""
    weather = inputs_of(history)
    return replace(panel_of_sites([history], units, skip), weather=weather and weather.since(skip))


def panel_of_sites(histories: Sequence[HourlyHistory], units: Units, skip: int = 0) -> Panel:
    """Several sites' histories on the same rows as one panel, without weather: a series has as its others those of
    its own site, and the holidays of its site."""
    counts = [len(history.series) for history in histories]
    begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = histories[0].rows - skip
    width = SPAN + rows + WEEK
    parts = np.zeros((5 + len(BASES), int(begins[-1]), width), dtype=np.float32)
    base = np.empty((int(begins[-1]), rows + WEEK))
    for history, begin in zip(histories, begins, strict=False):
        for start in range(0, len(history.series), SERIES_AT_ONCE):
            cut = slice(start, start + SERIES_AT_ONCE)
            there = slice(begin + start, begin + min(start + SERIES_AT_ONCE, len(history.series)))
            own = Units(units.scale[there], units.centre[there], units.swing[there])
            here = base_of(replace(history, series=history.series[cut], y=history.y[cut]), own.scale).since(skip)
            base[there] = here.level
            parts[:, there, SPAN:] = _in_units(history.y[cut, skip:], here, own)
    z, seen, level, spread, weeks = parts[:5]
    kind = np.array([KINDS.index(s.channel) for history in histories for s in history.series], dtype=np.int64)
    partner = [h.partner() + np.where(h.partner() >= 0, b, 0) for h, b in zip(histories, begins, strict=False)]
    calendars = {history.holidays: history for history in histories}
    numbers = [list(calendars).index(history.holidays) for history in histories]
    return Panel(
        z=z,
        seen=seen,
        level=level,
        spread=spread,
        weeks=weeks,
        shapes=parts[5:],
        others=_sums(z, kind, begins),
        others_n=_sums(seen, kind, begins),
        kind=kind,
        of_site=np.repeat(np.arange(len(histories)) * (len(KINDS) + 1), counts),
        partner=np.concatenate(partner),
        calendar=np.stack([_calendar(history, skip, rows) for history in calendars.values()]),
        of_calendar=np.repeat(np.array(numbers, dtype=np.int64), counts),
        units=units,
        base=base,
        rows=rows,
        weather=None,
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


def _sums(values: Array, kind: IntArray, begins: IntArray) -> Array:
    """Sums over the series of each kind, and over all, of each site; zero where there is none.
    [sites * (kinds + 1), rows]"""
    out = np.zeros(((len(begins) - 1) * (len(KINDS) + 1), values.shape[1]), dtype=np.float32)
    for site, (begin, end) in enumerate(itertools.pairwise(begins)):
        own, line = values[begin:end], site * (len(KINDS) + 1)
        for k in range(len(KINDS)):
            out[line + k] = own.sum(0, where=(kind[begin:end] == k)[:, None])
        out[line + len(KINDS)] = own.sum(0)
    return out


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
