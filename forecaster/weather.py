"""The site's weather as the model sees it: heat, and rain in the heat, of each hour and of the time before an origin.

Water use follows heat more than in proportion, and rain as far as it spares watering: on its day, and later by the
water that it leaves in the soil. Each number is taken as its deviation from its own base (`weekly_profile.py`): what of
the weather the base of the water use has seen is out of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.dataset import FloatArray, HourlyHistory, IntArray, Series
from forecaster.fallback import DAY, WEEK
from forecaster.features import Array
from forecaster.weekly_profile import base_of

WARM_C = 20.0  # mean of a day whose heat counts as 1
RISE_C = 6.0  # warmer, and heat counts e times as much
HOTTEST_C = 33.0  # hotter days count as this: nobody has seen what they do
SOAKED_MM = 15.0  # of rain that soak a dry soil
DRIED_MM = 0.2  # that a soaked soil loses in a day for each °C above 0; a half dry one loses half
SOIL_DAYS = 7  # of weather that tell how wet the soil is
LEAST_SHARE = 0.75  # of the hours of a mean

CIRCLE = ("mean", "day_sin", "day_cos", "half_day_sin", "half_day_cos")
# Of the hour to be forecast; and some of them, as means of the day and the week before the origin.
AHEAD = (*(f"heat_{part}" for part in CIRCLE), *(f"rain_{part}" for part in CIRCLE), "dry_heat")
BEHIND = ("heat_mean", "rain_mean", "dry_heat")
INPUTS = (*AHEAD, *(f"{name}_of_day" for name in BEHIND), *(f"{name}_of_week" for name in BEHIND))


class WeatherInputs(NamedTuple):
    """Of each row of a history and the week after it, NaN where weather is not known: [AHEAD, rows + WEEK] for a
    target there, [2 BEHIND, rows + WEEK] for an origin there."""

    ahead: FloatArray
    behind: FloatArray

    def since(self, row: int) -> WeatherInputs:
        """From a row on."""
        return WeatherInputs(self.ahead[:, row:], self.behind[:, row:])

    def at(self, origin: IntArray, leads: IntArray) -> Array:
        """For each window and lead, NaN where not known. `origin` [B], `leads` [B, L]; [B, L, INPUTS]"""
        target = np.minimum(origin[:, None] + leads, self.ahead.shape[1] - 1)
        behind = np.broadcast_to(self.behind[:, origin].T[:, None], (*target.shape, len(self.behind)))
        x = np.concatenate([np.moveaxis(self.ahead[:, target], 0, 2), behind], 2)
        return np.where((origin[:, None] + leads == target)[..., None], x, np.nan).astype(np.float32)


def inputs_of(history: HourlyHistory) -> WeatherInputs | None:
    """The inputs of a history; None without weather."""
    if history.weather is None or not np.isfinite(history.weather.temperature).any():
        return None
    raw = _raw(history)
    names = tuple(Series(name, "level") for name in AHEAD)
    rows = history.rows
    past = HourlyHistory(history.first, names, raw[:, :rows], history.holidays)
    away = raw - base_of(past, np.full(len(names), np.inf)).level
    recent = away[[AHEAD.index(name) for name in BEHIND]]
    return WeatherInputs(away, np.concatenate([_mean_of_last(recent, hours) for hours in (DAY, WEEK)]))


def _raw(history: HourlyHistory) -> FloatArray:
    """The numbers themselves. [AHEAD, rows + WEEK]"""
    assert history.weather is not None
    hour = int(history.first.astype(int)) + np.arange(history.rows + WEEK)
    temperature, rain = history.weather
    heat = np.exp((np.minimum(_mean_of_last(temperature, DAY), HOTTEST_C) - WARM_C) / RISE_C)
    wet = np.log1p(rain)
    of_day = hour % DAY * (2 * np.pi / DAY)
    circle = np.stack([np.ones(len(hour)), np.sin(of_day), np.cos(of_day), np.sin(2 * of_day), np.cos(2 * of_day)])
    spared = heat * _mean_of_last(wet, DAY)
    return np.concatenate([heat * circle, spared * circle, (heat * (1 - wetness(temperature, rain)))[None]])


def wetness(temperature: FloatArray, rain: FloatArray) -> FloatArray:
    """Of the soil after each hour, 0 dry to 1 soaked; NaN where too little weather is known to tell. [rows]

    An hour that is not known neither wets nor dries."""
    known = np.isfinite(temperature) & np.isfinite(rain)
    keeps = 1 - np.where(known, np.maximum(temperature, 0.0), 0.0) * (DRIED_MM / SOAKED_MM / DAY)
    gets = np.where(known, rain, 0.0) / SOAKED_MM
    wet, out = 0.5, np.empty(len(rain))
    for hour, (keep, get) in enumerate(zip(keeps.tolist(), gets.tolist(), strict=True)):
        wet = out[hour] = min(wet * keep + get, 1.0)
    enough = np.isfinite(_mean_of_last(np.where(known, 1.0, np.nan), SOIL_DAYS * DAY))
    return np.where(enough, out, np.nan)


def _mean_of_last(values: FloatArray, hours: int) -> FloatArray:
    """Mean of the hours up to each one, NaN with less than LEAST_SHARE of them. [..., rows]"""
    seen = np.isfinite(values)
    total, count = np.cumsum([np.where(seen, values, 0.0), seen], axis=-1)
    total[..., hours:], count[..., hours:] = (a[..., hours:] - a[..., :-hours] for a in (total, count))
    return np.where(count >= LEAST_SHARE * hours, total / np.maximum(count, 1), np.nan)
