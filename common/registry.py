"""The registered sensors: what is known of each, and changing it. The page and the commands share these rules.

Each change is written down in its own transaction, before it is committed. All of them raise `Refused` for what is
wrong, `NotPossible` for what is not as somebody saw it, and `AuditUnwritable`; then nothing has changed.
"""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from common import audit
from common.audit import Actor
from common.database import statement
from common.errors import NoSuchSensor
from common.messages import message
from common.point import Point
from common.refused import CHANGED, NotPossible, Refused, one_line
from common.row import SENSOR_ID
from common.units import CHOICES, USUAL, Unit, Units
from common.zones import Zones, parse

MOVE_TIMEOUT_S = 600.0  # a year of a sensor's minutes is half a million rows, on a slow disk
MOST_NAME = 60  # characters
SETTINGS = Actor("hydrolog")  # who does what the settings say

NO_ID = message("A sensor's id has 1 to 32 letters of the Latin alphabet, digits and the signs _ . : - in it.")
NO_NUMBER = message("This is not a number.")
OUT_OF_BOUNDS = message("It must be between {least} and {most}.")
HALF_PLACE = message("A place has a latitude and a longitude.")
FUTURE = message("This time is not over yet.")
IS_THERE = message("It is registered already.")
CHANGED_SINCE = message("It has changed meanwhile, so nothing was changed. See how it is now.")

LABELS = {  # by column
    "name": message("Name"),
    "flow_max": message("Highest flow that the meter can show"),
    "pressure_max": message("Highest pressure that the gauge can show"),
    "night_users": message("People supplied through the meter"),
    "night_litres": message("Night use of each of them"),
    "night_use": message("Night use, instead of the two before"),
    "n1": message("Exponent of leakage by pressure"),
    "reference_pressure": message("Pressure for comparing nights"),
    "mains_km": message("Length of mains"),
    "connections": message("Service connections"),
    "service_km": message("Service pipe from property line to meter, all together"),
    "latitude": message("Latitude, north of the equator"),
    "longitude": message("Longitude, east of Greenwich"),
}

Value = str | float | None
Row = dict[str, Any]
Cursor = psycopg.Cursor[Any]


class Figure(NamedTuple):
    """A number that people may set, and what is not a typing error.

    Attributes:
        unit: its unit; or "flow" or "pressure", which each reader has his own unit of: the bounds are in m3/h and bar.
    """

    unit: str
    least: float
    most: float

    def shown_in(self, units: Units) -> Unit:
        """The unit that somebody reads and types it in."""
        return units.of(self.unit) if self.unit in CHOICES else Unit(self.unit, self.unit, 1.0, 0)


LIMITS = {"flow_max": Figure("flow", 0.01, 1e6), "pressure_max": Figure("pressure", 0.01, 1e4)}
NIGHT = {
    "night_users": Figure("", 0.0, 1e7),
    "night_litres": Figure("L/h", 0.0, 100.0),
    "night_use": Figure("flow", 0.0, 1e5),
    "n1": Figure("", 0.3, 2.5),
    "reference_pressure": Figure("pressure", 0.1, 100.0),
    "mains_km": Figure("km", 0.0, 1e5),
    "connections": Figure("", 0.0, 1e7),
    "service_km": Figure("km", 0.0, 1e5),
}
PLACE = {"latitude": Figure("°", -90.0, 90.0), "longitude": Figure("°", -180.0, 180.0)}  # of WGS84
FIGURES = LIMITS | NIGHT | PLACE
COLUMNS = ("name", *FIGURES)


def shown(column: str, value: Value, units: Units = USUAL) -> str:
    """A value as it stands in a form; empty for what is not known. In another unit it has seven digits."""
    if value is None or isinstance(value, str):
        return value or ""
    unit = FIGURES[column].shown_in(units)
    return f"{value:.12g}" if unit.size == 1.0 else f"{unit.of(value):.7g}"


def version(row: Row) -> str:
    """Another one when a value has changed."""
    whole = "\0".join(shown(column, value) for column, value in row.items())
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:16]


def parsed(column: str, text: str, units: Units = USUAL) -> Value:
    """What somebody has typed, a flow in m3/h and a pressure in bar; None for a number that is not known."""
    if column == "name":
        return one_line(text, MOST_NAME, column)
    if not text.strip():
        return None
    figure = FIGURES[column]
    unit = figure.shown_in(units)
    try:
        value = float(f"{unit.back(float(text)):.12g}")
    except ValueError as error:
        raise Refused(NO_NUMBER, column) from error
    if not (math.isfinite(value) and figure.least <= value <= figure.most):
        least, most = (f"{unit.of(bound):,.7g}" for bound in (figure.least, figure.most))
        raise Refused(OUT_OF_BOUNDS, column, least=least, most=most)
    return value


def known(cursor: Cursor, point: Point) -> Row:
    """What is known of a sensor, by column.

    Raises:
        NoSuchSensor: it is not registered.
    """
    columns, row = ", ".join(COLUMNS), None
    if "\0" not in point.sensor:  # which no database can look for
        query = f"SELECT {columns} FROM SENSOR_TB WHERE site = %s AND sensor = %s"
        row = cursor.execute(query.encode(), point).fetchone()
    if row is None:
        raise NoSuchSensor(f"{ascii(point.sensor)[1:-1]} is not registered; see: hydrolog sensors")
    return dict(zip(COLUMNS, row, strict=True))


def register(cursor: Cursor, data: Path, by: Actor, point: Point, values: Mapping[str, str]) -> tuple[bool, int]:
    """Register a sensor or change the given values, and move its stored rows; returns (is it new, rows moved).

    The lock makes the archive wait until the move is over, so no row is left in the other table.
    """
    _check_id(point.sensor)
    cursor.execute("LOCK TABLE SENSOR_TB IN SHARE ROW EXCLUSIVE MODE")
    named = point._asdict()
    is_new = cursor.execute(statement("sensor_register"), named).rowcount > 0
    if is_new:
        audit.record(data, *by, "sensor-registered", sensor=point.sensor)
    _store(cursor, data, by, point, {column: parsed(column, text) for column, text in values.items()})
    cursor.execute(statement("sensor_months"), named)
    cursor.execute(statement("sensor_move"), named)
    return is_new, cursor.rowcount


def register_new(cursor: Cursor, data: Path, by: Actor, point: Point, values: Mapping[str, str]) -> None:
    """Register a sensor that nobody has registered before."""
    _check_id(point.sensor)
    cursor.execute("LOCK TABLE SENSOR_TB IN SHARE ROW EXCLUSIVE MODE")
    query = "SELECT FROM SENSOR_TB WHERE site = %s AND sensor = %s"
    if cursor.execute(query, point).fetchone() is not None:
        raise NotPossible(IS_THERE, "sensor")
    register(cursor, data, by, point, values)


def change(
    cursor: Cursor,
    data: Path,
    by: Actor,
    point: Point,
    values: Mapping[str, str],
    *,
    at: datetime,
    seen: str = "",
    units: Units = USUAL,
) -> Row:
    """Change the values of a sensor; returns all that is known of it then.

    Args:
        values: as typed, by column. What is the same as before is not touched.
        at: now, by the site's clock. The last nights are reported anew by what is known then.
        seen: the `version` of what stood in the form before; empty if nobody has looked.
        units: of the form.
    """
    cursor.execute("LOCK TABLE SENSOR_TB IN SHARE ROW EXCLUSIVE MODE")
    before = known(cursor, point)
    if seen and seen != version(before):
        done = audit.last(data, sensor=point.sensor)
        raise NotPossible(CHANGED, by=done.by) if done and done.by else NotPossible(CHANGED_SINCE)
    new = {
        column: parsed(column, text, units)
        for column, text in values.items()
        if text != shown(column, before[column], units)
    }
    _store(cursor, data, by, point, new)
    if new.keys() & NIGHT.keys():
        cursor.execute("UPDATE SENSOR_TB SET changed_at = %s WHERE site = %s AND sensor = %s", (at, *point))
    return known(cursor, point)


def replaced(cursor: Cursor, data: Path, by: Actor, point: Point, since: datetime, *, at: datetime) -> None:
    """Record that the instrument was replaced. `at`: now, by the site's clock."""
    known(cursor, point)
    if since > at:
        raise Refused(FUTURE, "since")
    audit.record(data, *by, "sensor-replaced", sensor=point.sensor, since=since.isoformat(timespec="minutes"))
    query = "UPDATE SENSOR_TB SET replaced_at = %s, changed_at = %s WHERE site = %s AND sensor = %s"
    cursor.execute(query, (since, at, *point))


def keep_zones(cursor: Cursor, data: Path, site: str, zones: Zones, *, at: datetime) -> bool:
    """Register the zones of a site's settings, each with its formula; True if something has changed.

    With another formula a zone begins anew, like a sensor with a new instrument. A zone that is not in the settings any
    more is a sensor without rows, for people to remove. `at`: now, by the site's clock.
    """
    found = cursor.execute(
        "SELECT sensor, formula FROM SENSOR_TB WHERE site = %s AND (sensor = ANY (%s) OR formula <> '')",
        (site, [*zones]),
    )
    known = dict(found.fetchall())
    formulas = dict.fromkeys(known, "") | {name: zone.formula for name, zone in zones.items()}
    changed = {name: formula for name, formula in formulas.items() if known.get(name) != formula}
    for name, formula in changed.items():
        point = Point(site, name)
        if name not in known:
            register(cursor, data, SETTINGS, point, {})
        elif known[name] and formula and parse(name, known[name]).signs != zones[name].signs:
            replaced(cursor, data, SETTINGS, point, at, at=at)
        cursor.execute("UPDATE SENSOR_TB SET formula = %s WHERE site = %s AND sensor = %s", (formula, *point))
    return bool(changed)


def remove(cursor: Cursor, data: Path, by: Actor, point: Point) -> None:
    """Unregister a sensor. Its rows stay; new ones are kept apart until it is registered again."""
    known(cursor, point)
    audit.record(data, *by, "sensor-removed", sensor=point.sensor)
    cursor.execute("DELETE FROM SENSOR_TB WHERE site = %s AND sensor = %s", point)


def _check_id(sensor: str) -> None:
    if not SENSOR_ID.fullmatch(sensor):
        raise Refused(NO_ID, "sensor")


def _store(cursor: Cursor, data: Path, by: Actor, point: Point, values: dict[str, Value]) -> None:
    before = known(cursor, point)
    unknown = [column for column in PLACE if (before | values)[column] is None]
    if len(unknown) == 1:
        raise Refused(HALF_PLACE, unknown[0])
    for column, value in values.items():
        if value != before[column]:
            was = {"value": column, "before": before[column], "after": value}
            audit.record(data, *by, "sensor-changed", sensor=point.sensor, **was)
            query = f"UPDATE SENSOR_TB SET {column} = %s WHERE site = %s AND sensor = %s"
            cursor.execute(query.encode(), (value, *point))
