"""`hydrolog sensors`: list, add and remove registered sensors.

Rows of unregistered sensors are kept in a separate table; registering moves them in one transaction.
"""

import argparse
import math
import sys
from datetime import datetime
from typing import Any

import psycopg
from rich.table import Table

from cli import night_set, shell
from common import database, settings
from common.errors import NoSuchSensor
from common.row import SENSOR_ID
from common.settings import Settings

MOVE_TIMEOUT_S = 600.0  # a year of a sensor's minutes is half a million rows, on a slow disk


def run(args: list[str]) -> int:
    """List, add or remove.

    Raises:
        DatabaseDown: no answer.
        NoSuchSensor: the sensor to remove or replace is not registered.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    connection = database.Database(chosen, "sensors")
    try:
        with connection.transaction(MOVE_TIMEOUT_S) as cursor:
            if options.action == "add":
                said = _added(cursor, options)
            elif options.action == "remove":
                said = _removed(cursor, options.sensor)
            elif options.action == "replaced":
                said = _replaced(cursor, options.sensor, options.at, chosen)
            else:
                _show(cursor, chosen)
                said = ""
    finally:
        connection.close()
    sys.stdout.write(said)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser("sensors", "The registered sensors. Without an action: list.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    words = "list registered sensors, and unregistered ones that send data"
    shell.add_config_again(actions.add_parser("list", help=words, description=words))
    for name, help_ in (
        ("add", "register or change a sensor; its stored rows move to REAL_VAL_TB"),
        ("remove", "unregister a sensor; its rows stay, new rows are kept separately"),
        ("replaced", "record that the instrument was replaced: nights and criteria start again with the new one"),
    ):
        action = actions.add_parser(name, help=help_, description=help_)
        action.add_argument("sensor", type=_sensor_id, metavar="ID")
        shell.add_config_again(action)
        if name == "replaced":
            action.add_argument(
                "--at", type=_moment, metavar="TIME", help='local time, "2024-09-17 10:30" (default: now)'
            )
        if name == "add":
            action.add_argument("--name", help="name for people")
            action.add_argument("--flow-max", type=_positive, metavar="M3H", help="highest flow the meter can show")
            action.add_argument("--pressure-max", type=_positive, metavar="BAR", help="highest pressure")
    return parser


def _sensor_id(text: str) -> str:
    if not SENSOR_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a sensor id (letters, digits, '_', '.', ':', '-')")
    return text


def _positive(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _added(cursor: psycopg.Cursor[Any], options: argparse.Namespace) -> str:
    is_new, moved = register(cursor, options.sensor, options.name, options.flow_max, options.pressure_max)
    done = "registered" if is_new else "changed"
    rows = f"; {moved} kept row{'s' * (moved != 1)} moved to its history" if moved or is_new else ""
    return f"{options.sensor} {done}{rows}\n"


def register(
    cursor: psycopg.Cursor[Any],
    sensor: str,
    name: str | None = None,
    flow_max: float | None = None,
    pressure_max: float | None = None,
) -> tuple[bool, int]:
    """Register a sensor or change its given values, and move its stored rows; returns (is it new, rows moved).

    The lock makes the archive wait until the move is over, so no row is left in the other table.
    """
    cursor.execute("LOCK TABLE SENSOR_TB IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(database.statement("sensor_register"), [sensor, name or "", flow_max, pressure_max, name])
    row = cursor.fetchone()
    assert row
    cursor.execute(database.statement("sensor_months"), (sensor,))
    cursor.execute(database.statement("sensor_move"), (sensor,))
    return bool(row[0]), cursor.rowcount


def _removed(cursor: psycopg.Cursor[Any], sensor: str) -> str:
    cursor.execute("DELETE FROM SENSOR_TB WHERE sensor = %s", (sensor,))
    if not cursor.rowcount:
        raise NoSuchSensor(f"{sensor} is not registered; see: hydrolog sensors")
    return f"{sensor} removed; its rows stay, new rows are kept separately until it is added again\n"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(second=0, microsecond=0)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a time like "2024-09-17 10:30"') from None


def _replaced(cursor: psycopg.Cursor[Any], sensor: str, at: datetime | None, chosen: Settings) -> str:
    now = shell.site_clock(chosen.paths.data).now()
    moment = now if at is None else at.replace(tzinfo=at.tzinfo or chosen.site.zone)
    cursor.execute("UPDATE SENSOR_TB SET replaced_at = %s WHERE sensor = %s", (moment, sensor))
    if not cursor.rowcount:
        raise NoSuchSensor(f"{sensor} is not registered; see: hydrolog sensors")
    night_set.recompute(cursor, chosen)
    since = f"{moment.astimezone(chosen.site.zone):%Y-%m-%d %H:%M}"
    return (
        f"{sensor} has a new instrument since {since}: nights are compared from then on, and new criteria "
        "are learnt after eight weeks; until then the present ones are used\n"
    )


def _show(cursor: psycopg.Cursor[Any], chosen: Settings) -> None:
    table = Table("sensor", "name", "max m3/h", "max bar", "newest row", "")
    cursor.execute(database.statement("sensor_list"))
    for sensor, name, flow_max, pressure_max, newest, known in cursor.fetchall():
        table.add_row(
            shell.cell(sensor),
            shell.cell(name),
            shell.number(flow_max, 1),
            shell.number(pressure_max, 1),
            _local(newest, chosen),
            "" if known else shell.cell(f"not registered; hydrolog sensors add {sensor}", "yellow"),
        )
    console = shell.console()
    if table.row_count:
        console.print(table)
    else:
        console.print("no sensor yet; register one with: hydrolog sensors add ID")


def _local(time: datetime | None, chosen: Settings) -> str:
    return time.astimezone(chosen.site.zone).isoformat(sep=" ", timespec="minutes") if time else "none"
