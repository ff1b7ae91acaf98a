"""The forecaster's view of the database: hourly history in, forecasts out. The only file here that knows SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import NamedTuple, cast

import numpy as np

from common.database import Database, statement
from common.forecast_file import ForecastLine
from common.settings import SiteSettings
from forecaster.dataset import (
    Channel,
    FloatArray,
    HourlyHistory,
    Series,
    hour_number,
    hours_of_outages,
    unmask_long_leaks,
)

CHANNELS: tuple[Channel, Channel] = ("flow", "pressure")
SENSORS_AT_ONCE = 20  # a sensor-year is 525,600 rows: twenty at once keep a statement well under its deadline
MINUTES_LEAST = 45  # of an hour; below that its mean says too little


class Span(NamedTuple):
    """First and last row time of a registered sensor."""

    sensor: str
    first: datetime
    last: datetime


def sensors(database: Database, site: str, since: datetime) -> list[Span]:
    """Registered sensors of a site that have rows since `since`."""
    with database.transaction() as cursor:
        cursor.execute(statement("forecast_sensors"), {"site": site, "first": since})
        return [Span(*row) for row in cursor.fetchall()]


def history(
    database: Database, site: SiteSettings, names: Sequence[str], first: datetime, until: datetime
) -> HourlyHistory:
    """Hourly history of both channels of a site's sensors, rows from `first` to before `until` (aware).

    SYSTEM-flagged minutes do not count; hours mostly under a leak are missing for the first days of the leak, and those
    of an outage of supply with the time after it.
    The grid always ends with the hour before `until`."""
    start = hour_number(first.astimezone(site.zone))
    rows = max(hour_number((until - timedelta(minutes=1)).astimezone(site.zone)) - start + 1, 1)
    series = series_of(site.id, names)
    y, leak = np.full((len(series), rows), np.nan), np.zeros((len(series), rows), dtype=bool)
    dry = np.zeros((len(names), rows), dtype=np.int64)
    place = {name: 2 * i for i, name in enumerate(names)}
    for begin in range(0, len(names), SENSORS_AT_ONCE):
        wanted = list(names[begin : begin + SENSORS_AT_ONCE])
        with database.transaction() as cursor:
            values = {"site": site.id, "zone": site.timezone, "sensors": wanted, "first": first, "until": until}
            cursor.execute(statement("forecast_hours"), values)
            for name, hour, *channels, without_water in cursor:
                dry[place[name] // 2, int(hour) - start] += int(without_water)
                for k in range(2):
                    mean, minutes, leaking = channels[3 * k : 3 * k + 3]
                    at = place[name] + k, int(hour) - start
                    y[at] = mean if mean is not None and minutes >= MINUTES_LEAST else np.nan
                    leak[at] = leaking > minutes / 2
    for line in range(len(series)):
        if leak[line].any():
            y[line, unmask_long_leaks(leak[line])] = np.nan
    for i in np.flatnonzero(dry.any(axis=1)):
        y[2 * i : 2 * i + 2, hours_of_outages(dry[i])] = np.nan
    return HourlyHistory(np.datetime64(start, "h"), series, cast(FloatArray, y))


def series_of(site: str, names: Sequence[str]) -> tuple[Series, ...]:
    """Both channels of each sensor."""
    return tuple(Series(name, channel, site) for name in names for channel in CHANNELS)


def save(database: Database, site: str, lines: Sequence[ForecastLine]) -> None:
    """Keep a site's forecasts; idempotent by (site, sensor, made_at, hour)."""
    columns = {field.name: [getattr(line, field.name) for line in lines] for field in fields(ForecastLine)}
    with database.transaction() as cursor:
        cursor.execute(statement("forecast_save"), {"site": site, **columns})


def forecasts(database: Database, site: str, which: str, **times: datetime) -> list[ForecastLine]:
    """A site's forecasts by one of the statements `forecast_own`, `forecast_for_hours`, `forecast_leads`."""
    with database.transaction() as cursor:
        cursor.execute(statement(which), {"site": site, **times})
        return [ForecastLine(*row) for row in cursor.fetchall()]
