"""`hydrolog night set`: a sensor's night values: users or night use, N1, reference pressure."""

import argparse
import math
from datetime import timedelta
from typing import Any

import psycopg

from cli import shell
from common import database
from common.clock import minute_of
from common.errors import NoSuchSensor
from common.settings import Settings
from outliers import calendar

RECOMPUTED_NIGHTS = 7  # so that a change shows at once; older nights keep their values
# option -> column of SENSOR_TB, unit, least, most: beyond these it is a typing error
FIGURES = {
    "--users": ("night_users", "PEOPLE", 0.0, 1e7),
    "--litres": ("night_litres", "L/H", 0.0, 100.0),
    "--use": ("night_use", "M3H", 0.0, 1e5),
    "--n1": ("n1", "N1", 0.3, 2.5),
    "--reference": ("reference_pressure", "BAR", 0.1, 100.0),
    "--mains": ("mains_km", "KM", 0.0, 1e5),
    "--connections": ("connections", "COUNT", 0.0, 1e7),
    "--service": ("service_km", "KM", 0.0, 1e5),
}
UNKNOWN = "default"


def add_parser(actions: Any) -> None:
    """Add the subcommand."""
    words = (
        "A sensor's night values: people supplied through the meter and litres per hour each (default 0.6), or "
        "their use in m3/h; N1 (1.0); the reference pressure for comparing nights (the median of 24 nights). "
        "Length of mains, service connections, and length of service pipe from property line to meter, for the "
        "unavoidable losses (UARL). "
        f"'{UNKNOWN}' resets a value. The last {RECOMPUTED_NIGHTS} nights are computed again."
    )
    action = actions.add_parser("set", help="set night use, N1 and reference pressure of a sensor", description=words)
    action.add_argument("sensor", metavar="ID")
    shell.add_config_again(action)
    for option, (column, unit, least, most) in FIGURES.items():
        action.add_argument(option, dest=column, type=_figure(least, most), metavar=unit)


def _figure(least: float, most: float) -> Any:
    def figure(text: str) -> float | str:
        if text == UNKNOWN:
            return text
        value = float(text)
        if not (math.isfinite(value) and least <= value <= most):
            raise argparse.ArgumentTypeError(f"must be between {least:g} and {most:g}, or {UNKNOWN}; is {text}")
        return value

    return figure


def change(chosen: Settings, options: argparse.Namespace) -> str:
    """Store the given values and recompute the last nights; returns the new values as text.

    Raises:
        NoSuchSensor: it is not registered.
        DatabaseDown: no answer.
    """
    given = {column: getattr(options, column) for column, *_ in FIGURES.values()}
    given = {column: None if value == UNKNOWN else value for column, value in given.items() if value is not None}
    connection = database.Database(chosen, "night-set")
    try:
        with connection.transaction() as cursor:
            known = _stored(cursor, options.sensor, given)
            if given:
                recompute(cursor, chosen)
    finally:
        connection.close()
    return f"{options.sensor}: {words(*known)}\n"


def _stored(cursor: psycopg.Cursor[Any], sensor: str, given: dict[str, float | None]) -> tuple[float | None, ...]:
    for column, value in given.items():
        cursor.execute(f"UPDATE SENSOR_TB SET {column} = %s WHERE sensor = %s".encode(), (value, sensor))
    cursor.execute(
        "SELECT night_users, night_litres, night_use, n1, reference_pressure FROM SENSOR_TB WHERE sensor = %s",
        (sensor,),
    )
    row = cursor.fetchone()
    if row is None:
        raise NoSuchSensor(f"{shell.printable(sensor)} is not registered; see: hydrolog sensors")
    return tuple(row)


def recompute(cursor: psycopg.Cursor[Any], chosen: Settings) -> None:
    """Recompute the last nights that have a report, oldest first, for all sensors."""
    from nightflow import report
    from nightflow.window import plan_of

    plan, now = plan_of(chosen), shell.site_clock(chosen.paths.data).now()
    works = calendar.load(chosen.paths.data, chosen.site.zone).works
    cursor.execute("SELECT DISTINCT night FROM NIGHT_REPORT_TB")
    there = {row[0] for row in cursor.fetchall()}
    first = minute_of(now - timedelta(days=RECOMPUTED_NIGHTS))
    for night in plan.nights(first, minute_of(now)):
        if night.date in there:
            report.store(cursor, night, now, plan.zone, works)


def words(
    users: float | None, litres: float | None, use: float | None, n1: float | None, reference: float | None
) -> str:
    """A sensor's night values as text."""
    from nightflow.known import NIGHT_LITRES
    from nightflow.leakage import N1

    if use is not None:
        night = f"night use {use:g} m3/h"
    elif users is not None:
        each = NIGHT_LITRES if litres is None else litres
        night = f"night use {users:g} users x {each:g} L/h = {users * each / 1000:.3g} m3/h"
    else:
        night = "night use not known: leakage is an estimate, a range"
    pressure = "the median of 24 nights" if reference is None else f"{reference:g} bar"
    return f"{night}; N1 {N1 if n1 is None else n1:g}; compared at {pressure}"
