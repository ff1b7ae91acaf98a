"""`hydrolog sensors`: list, add, place and remove registered sensors.

Rows of unregistered sensors are kept in a separate table; registering moves them in one transaction.
"""

import argparse
import sys
from datetime import datetime
from typing import Any

import psycopg
from rich.table import Table

from cli import acting, shell, site_choice, zone_past
from common import database, registry, settings
from common.audit import Actor
from common.clock import local_text
from common.point import Point
from common.refused import Refused
from common.settings import Settings

_RESTART = "nights, limits and forecasts follow after: sudo systemctl restart hydrolog"


def run(args: list[str]) -> int:
    """List, or change one.

    Raises:
        DatabaseDown: no answer.
        NoSuchSensor: the sensor to remove or replace is not registered, or the zone is not in the settings.
        NoPast: a zone's past cannot be made.
        Refused: a value is none.
        AuditUnwritable: it could not be written down, so it has not been done.
    """
    options = _parser().parse_args(args)
    chosen = site_choice.of(settings.load(options.config), options.site, changes=options.action not in (None, "list"))
    if options.action == "past":
        added = zone_past.make(chosen, options.sensor)
        sys.stdout.write(f"{options.sensor}: {added} minutes from its meters' rows; {_RESTART}\n")
        return 0
    acts = {"add": _added, "place": _placed, "remove": _removed, "replaced": _replaced}
    with database.changing(chosen, "sensors", registry.MOVE_TIMEOUT_S) as cursor:
        said = acts[options.action](cursor, chosen, options) if options.action in acts else _show(cursor, chosen)
    sys.stdout.write(said)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser("sensors", "The registered sensors. Without an action: list.")
    site_choice.add(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listed = shell.add_action(actions, "list", "list registered sensors, and unregistered ones that send data")
    site_choice.add(listed, again=True)
    for name, help_ in (
        ("add", "register or change a sensor; its stored rows move to REAL_VAL_TB"),
        ("place", "say where a sensor is, in degrees of WGS84"),
        ("remove", "unregister a sensor; its rows stay, new rows are kept separately"),
        ("past", "of a zone: make its rows of the time before it was in the settings, from those of its meters"),
        ("replaced", "record that the instrument was replaced: nights and criteria start again with the new one"),
    ):
        action = shell.add_action(actions, name, help_)
        action.add_argument("sensor", type=shell.sensor_id, metavar="ID")
        site_choice.add(action, again=True)
        if name == "replaced":
            action.add_argument(
                "--at", type=_moment, metavar="TIME", help='local time, "2024-09-17 10:30" (default: now)'
            )
        if name == "add":
            action.add_argument("--name", help="name for people")
            action.add_argument("--flow-max", metavar="M3H", help="highest flow the meter can show")
            action.add_argument("--pressure-max", metavar="BAR", help="highest pressure")
        if name == "place":
            action.add_argument("latitude", nargs="?", metavar="LAT", help="north of the equator; south is below zero")
            action.add_argument("longitude", nargs="?", metavar="LON", help="east of Greenwich; west is below zero")
            action.add_argument("--unknown", action="store_true", help="forget its place")
    return parser


def _added(cursor: psycopg.Cursor[Any], chosen: Settings, options: argparse.Namespace) -> str:
    given = {column: getattr(options, column) for column in ("name", *registry.LIMITS)}
    given = {column: text for column, text in given.items() if text is not None}
    is_new, moved = registry.register(cursor, chosen.paths.data, _who(), _point(chosen, options), given)
    done = "registered" if is_new else "changed"
    rows = f"; {moved} kept row{'s' * (moved != 1)} moved to its history" if moved or is_new else ""
    return f"{options.sensor} {done}{rows}\n"


def _placed(cursor: psycopg.Cursor[Any], chosen: Settings, options: argparse.Namespace) -> str:
    typed = {"latitude": options.latitude or "", "longitude": options.longitude or ""}
    if options.unknown == any(typed.values()):
        raise Refused(registry.HALF_PLACE)
    data, now = chosen.paths.data, shell.site_clock(chosen.paths.data).now()
    found = registry.change(cursor, data, _who(), _point(chosen, options), typed, at=now)
    return f"{options.sensor}: {_place(found['latitude'], found['longitude']) or 'no place'}\n"


def _place(latitude: float | None, longitude: float | None) -> str:
    return " ".join(registry.shown("latitude", each) for each in (latitude, longitude)).strip()


def _removed(cursor: psycopg.Cursor[Any], chosen: Settings, options: argparse.Namespace) -> str:
    registry.remove(cursor, chosen.paths.data, _who(), _point(chosen, options))
    return f"{options.sensor} removed; its rows stay, new rows are kept separately until it is added again\n"


def _point(chosen: Settings, options: argparse.Namespace) -> Point:
    return Point(chosen.site.id, options.sensor)


def _who() -> Actor:
    return Actor(acting.person())


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(second=0, microsecond=0)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a time like "2024-09-17 10:30"') from None


def _replaced(cursor: psycopg.Cursor[Any], chosen: Settings, options: argparse.Namespace) -> str:
    now, sensor, at = shell.site_clock(chosen.paths.data).now(), options.sensor, options.at
    moment = now if at is None else at.replace(tzinfo=at.tzinfo or chosen.site.zone)
    registry.replaced(cursor, chosen.paths.data, _who(), _point(chosen, options), moment, at=now)
    since = local_text(moment, chosen.site.zone)
    return (
        f"{sensor} has a new instrument since {since}: nights are compared from then on, and new criteria "
        "are learnt after eight weeks; until then the present ones are used\n"
    )


def _show(cursor: psycopg.Cursor[Any], chosen: Settings) -> str:
    table = Table("sensor", "name", "max m3/h", "max bar", "place", "newest row", "")
    cursor.execute(database.statement("sensor_list"), {"site": chosen.site.id})
    for sensor, name, flow_max, pressure_max, latitude, longitude, newest, known in cursor.fetchall():
        zone = chosen.zones.get(sensor)
        remark = shell.cell("" if zone is None else f"zone: {zone.formula}")
        if not known:
            remark = shell.cell(f"not registered; hydrolog sensors add {sensor}", "yellow")
        table.add_row(
            shell.cell(sensor),
            shell.cell(name),
            shell.number(flow_max, 1),
            shell.number(pressure_max, 1),
            _place(latitude, longitude),
            _local(newest, chosen),
            remark,
        )
    if table.row_count:
        shell.console().print(table)
        return ""
    return "no sensor yet; register one with: hydrolog sensors add ID\n"


def _local(time: datetime | None, chosen: Settings) -> str:
    return time.astimezone(chosen.site.zone).isoformat(sep=" ", timespec="minutes") if time else "none"
