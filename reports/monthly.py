"""The report of a month as values: whatever shows it, takes everything from here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from psycopg import Cursor

from common.database import Database, statement
from common.errors import HydrologError, NoSuchSensor
from common.night import DAY
from common.settings import Settings
from common.zones import Zone
from incidents.reading import Known
from reports import availability, balance, forecast_errors, happened, leakage
from reports.availability import Available, RegisteredSensor
from reports.balance import Balance
from reports.forecast_errors import ForecastError
from reports.happened import Deed
from reports.leakage import MonthlyLeakage
from reports.month import Month, last_night

Told = Callable[[str, int, int], object]  # what is read, how many sensors are done, of how many


class MonthToCome(HydrologError):
    """The month has not begun yet."""


@dataclass(frozen=True)
class SensorMonth:
    """A month at one sensor.

    Attributes:
        leakage: None if the sensor has no night in the month yet.
        minima: the minimum night flow of each night that has one, m3/h.
        errors: of the forecasts; empty without forecasts.
        zone: what it is the sum of; None for a meter.
        balance: of a zone with a sum in the month.
    """

    sensor: str
    name: str
    leakage: MonthlyLeakage | None
    minima: Mapping[date, float]
    available: Available
    errors: tuple[ForecastError, ...]
    zone: Zone | None = None
    balance: Balance | None = None

    @property
    def lost_m3(self) -> float | None:
        """By which sensors are ordered: the leakage, or the middle of its range."""
        if self.leakage is None or self.leakage.leak_low is None or self.leakage.leak_high is None:
            return None
        return (self.leakage.leak_low + self.leakage.leak_high) / 2


@dataclass(frozen=True)
class MonthlyReport:
    """A month of a site, or of one of its sensors.

    Attributes:
        made: when; aware.
        last: the last night that counts; before the month's first day if none is over yet.
        currency: of the costs; may be empty.
        sensors: the largest loss first, then those whose loss is not known.
        incidents: that were up in the month, the newest first.
        deeds: what people did, oldest first.
    """

    site: str
    month: Month
    made: datetime
    last: date
    currency: str
    sensors: tuple[SensorMonth, ...]
    incidents: tuple[Known, ...]
    deeds: tuple[Deed, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the month is over and all its nights are due."""
        return self.last >= self.month.after - DAY

    @property
    def zones(self) -> list[SensorMonth]:
        """The zones among the sensors, the largest loss first."""
        return [one for one in self.sensors if one.zone is not None]

    @property
    def leakages(self) -> Iterator[MonthlyLeakage]:
        """Of the sensors that have some."""
        return (one.leakage for one in self.sensors if one.leakage is not None)

    def name(self, sensor: str) -> str:
        """What people call a sensor: its id, and its name if it has one."""
        found = next((one.name for one in self.sensors if one.sensor == sensor), "")
        return f"{sensor} {found}".strip()


def gather(
    chosen: Settings,
    database: Database,
    folder: Path | None,
    month: Month,
    now: datetime,
    *,
    told: Told,
    only: str | None = None,
) -> MonthlyReport:
    """Read everything about a month. `folder`: the data folder, if it is of this site.

    Raises:
        DatabaseDown: no answer.
        MonthToCome: it has not begun yet.
        NoSuchSensor: `only` is not registered.
    """
    if month.start > now:
        raise MonthToCome(f"{month} has not begun yet")
    last = min(last_night(chosen, now), month.after - DAY)
    site = chosen.site.id
    told("nights", 0, 0)
    with database.transaction() as cursor:
        points = _points(cursor, site, only)
        summed = leakage.read(cursor, month.first, last, chosen.site, only) if last >= month.first else []
        minima = _minima(cursor, site, month.first, last)
    if only is not None and not points:
        raise NoSuchSensor(f"{only} is not registered; see: hydrolog sensors")
    read = availability.read(database, site, month, now, points, done=lambda n: told("minutes", n, len(points)))
    balances = _balances(chosen, database, month, now, [point.sensor for point in points])
    told("forecasts", 0, 0)
    errors = forecast_errors.read(database, chosen.site, month, now, [point.sensor for point in points])
    told("incidents", 0, 0)
    with database.transaction() as cursor:
        known = happened.incidents(cursor, folder, site, month, now, sensor=only)
        deeds = happened.deeds(cursor, folder, site, month, known)
    lost = {one.sensor: one for one in summed}
    sensors = [
        replace(
            _sensor(point, lost.get(point.sensor), minima, read, errors),
            zone=chosen.zones.get(point.sensor),
            balance=balances.get(point.sensor),
        )
        for point in points
    ]
    return MonthlyReport(site, month, now, last, chosen.site.currency, _ordered(sensors), tuple(known), tuple(deeds))


def _balances(
    chosen: Settings, database: Database, month: Month, now: datetime, sensors: Sequence[str]
) -> dict[str, Balance]:
    """The balance of each zone that has one."""
    found = {}
    for zone in (chosen.zones[sensor] for sensor in sensors if sensor in chosen.zones):
        with database.transaction() as cursor:
            days = balance.read(cursor, chosen.site, zone, month.start, min(now, month.end))
        if (whole := balance.summed(days.values())) is not None:
            found[zone.name] = whole
    return found


def _points(cursor: Cursor[Any], site: str, only: str | None) -> list[RegisteredSensor]:
    cursor.execute(statement("report_sensors"), {"site": site, "sensor": only})
    return [RegisteredSensor(*row) for row in cursor.fetchall()]


def _minima(cursor: Cursor[Any], site: str, first: date, last: date) -> dict[str, dict[date, float]]:
    cursor.execute(statement("report_nights"), {"site": site, "first": first, "last": last})
    found: dict[str, dict[date, float]] = {}
    for sensor, night, flow in cursor.fetchall():
        found.setdefault(sensor, {})[night] = flow
    return found


def _sensor(
    point: RegisteredSensor,
    lost: MonthlyLeakage | None,
    minima: Mapping[str, Mapping[date, float]],
    read: Mapping[str, Available],
    errors: Sequence[ForecastError],
) -> SensorMonth:
    own = tuple(error for error in errors if error.sensor == point.sensor)
    return SensorMonth(point.sensor, point.name, lost, minima.get(point.sensor, {}), read[point.sensor], own)


def _ordered(sensors: Sequence[SensorMonth]) -> tuple[SensorMonth, ...]:
    return tuple(sorted(sensors, key=lambda one: (one.lost_m3 is None, -(one.lost_m3 or 0.0), one.sensor)))
