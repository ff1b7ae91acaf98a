"""One hour's forecast of all sensors as lines: the model where it knows enough, the labelled fallback where not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from common.forecast_file import ForecastLine
from forecaster.dataset import Channel, HourlyHistory, IntArray, hour_number
from forecaster.fallback import fallback
from forecaster.level_jump import recovered
from forecaster.online import OnlineCorrections, week_ago
from forecaster.predict import Forecast, Model, forecast

HOUR = timedelta(hours=1)
CHANNELS: tuple[Channel, Channel] = ("flow", "pressure")
NOTHING = (None, None, None)  # value, low, high


@dataclass(frozen=True)
class ForecastHour:
    """A UTC hour to be forecast, and the lead (rows of the local grid) that it is at."""

    start: datetime
    lead: int


def hours_ahead(made_at: datetime, horizon: int, zone: ZoneInfo) -> list[ForecastHour]:
    """The `horizon` hours from `made_at` on. Around a change of summer time leads and hours differ by one."""
    origin = hour_number(made_at.astimezone(zone)) - 1
    hours = [made_at + k * HOUR for k in range(horizon)]
    return [ForecastHour(hour, max(1, hour_number(hour.astimezone(zone)) - origin)) for hour in hours]


def compose(
    history: HourlyHistory,
    made_at: datetime,
    zone: ZoneInfo,
    *,
    horizon: int,
    model: Model | None,
    followed: OnlineCorrections | None = None,
) -> list[ForecastLine]:
    """Forecast lines made at `made_at` (aware, start of a local hour), from rows before it only."""
    past = recovered(history.until(history.row(made_at.astimezone(zone))))
    hours = hours_ahead(made_at, horizon, zone)
    made = _by_model(past, np.arange(1, max(h.lead for h in hours) + 1), model, followed)
    made, labels = filled(made, past, model.label if model else "")
    numbers = np.stack(made, -1)[:, 0]  # [S, L, 3]
    cells = np.where(np.isfinite(numbers), numbers, np.array(None)).tolist()
    place = {(s.sensor, s.channel): i for i, s in enumerate(past.series)}
    lines = []
    for sensor in dict.fromkeys(s.sensor for s in past.series):
        flow, pressure = (place.get((sensor, channel)) for channel in CHANNELS)
        for hour in hours:
            at = hour.lead - 1
            f, f_low, f_high = NOTHING if flow is None else cells[flow][at]
            p, p_low, p_high = NOTHING if pressure is None else cells[pressure][at]
            said = (labels[i][at] for i in (flow, pressure) if i is not None)
            label = "/".join(dict.fromkeys(one for one in said if one != "none")) or "none"
            lines.append(ForecastLine(sensor, made_at, hour.start, f, p, f_low, f_high, p_low, p_high, label))
    return lines


def _by_model(
    past: HourlyHistory, leads: IntArray, model: Model | None, followed: OnlineCorrections | None
) -> Forecast:
    """The model's forecast after the past as far as it reaches, NaN elsewhere. [S, 1, L]"""
    nothing = np.full((len(past.series), 1, len(leads)), np.nan)
    if model is None or not past.rows or not past.series:
        return Forecast(nothing, nothing, nothing)
    reach, origin = leads[: model.horizon], np.array([past.rows - 1])
    followed = followed or OnlineCorrections.start(model, past.series)
    made = followed.applied(forecast(model, past, origin, reach), week_ago(past.y, origin, reach), reach)
    rest = nothing[..., len(reach) :]
    return Forecast(*(np.concatenate([part, rest], 2) for part in made))


def filled(made: Forecast, past: HourlyHistory, label: str) -> tuple[Forecast, list[list[str]]]:
    """The forecast [S, 1, L] after the past, the fallback where it is NaN; and the label of each series and lead."""
    value, low, high = (part[:, 0].copy() for part in made)
    labels = []
    for i, y in enumerate(past.y):
        use = np.isnan(value[i])
        names = [label] * len(use)
        if use.any():
            spare = fallback(y, len(use))
            value[i, use] = spare.value[use]
            low[i, use], high[i, use] = (spare.value - spare.half_width)[use], (spare.value + spare.half_width)[use]
            names = [other if used else label for other, used in zip(spare.label, use, strict=True)]
        labels.append(names)
    lowest = np.where((past.y < 0).any(1), -np.inf, 0.0)[:, None]  # a meter that never ran backwards is not forecast to
    return Forecast(*(np.maximum(part, lowest)[:, None] for part in (value, low, high))), labels
