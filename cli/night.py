"""`hydrolog night`: the leakage of the last nights, from NIGHT_REPORT_TB.

`night report` sums up a month; `night set` changes a sensor's values.
"""

import json
import sys
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row
from rich.table import Table

from cli import night_month, night_set, shell, site_choice
from common import database, settings
from common.night import DEFINITION
from common.settings import Settings

NIGHTS = 7


def run(args: list[str]) -> int:
    """Print the last nights or a month, or change a sensor's values.

    Raises:
        DatabaseDown: no answer.
        NoSuchSensor: the sensor to change, or to report a month of, is not registered.
    """
    parser = shell.parser(
        "night",
        "The last nights: the quietest rolling hour, the 20th percentile of seven nights, the leakage, and the "
        "leakage per day. Values with a SYSTEM flag and those during planned work are excluded.",
    )
    parser.add_argument("--nights", type=shell.days, default=NIGHTS, metavar="N", help=f"number of nights ({NIGHTS})")
    parser.add_argument("--sensor", type=shell.sensor_id, metavar="ID", help="only this one")
    parser.add_argument("--json", action="store_true", help="every stored figure, for programs")
    site_choice.add(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    night_month.add_parser(actions)
    night_set.add_parser(actions)
    options = parser.parse_args(args)
    chosen = site_choice.of(settings.load(options.config), options.site, changes=options.action == "set")
    if options.action == "set":
        sys.stdout.write(night_set.change(chosen, options))
        return 0
    if options.action == "report":
        night_month.show(chosen, options)
        return 0
    nights = _read(chosen, options.nights, options.sensor)
    if options.json:
        for night in nights:
            night["estimate"] = night["night_use_by"] == "share"
        sys.stdout.write(json.dumps(nights, default=_text, indent=1) + "\n")
        return 0
    console = shell.console()
    if nights:
        console.print(_table(nights, chosen))
    else:
        console.print("no night yet: a night is reported after its last window (night.end)")
    return 0


def _read(chosen: Settings, nights: int, sensor: str | None) -> list[dict[str, Any]]:
    connection = database.Database(chosen, "night")
    try:
        with connection.transaction() as cursor:
            cursor.row_factory = dict_row
            asked = {"site": chosen.site.id, "nights": max(nights, 0), "sensor": sensor}
            cursor.execute(database.statement("night_last"), asked)
            return cursor.fetchall()
    finally:
        connection.close()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _table(nights: list[dict[str, Any]], chosen: Settings) -> Table:
    headings = (
        "night",
        "sensor",
        "quietest hour",
        "m3/h",
        "bar",
        "20 % of 7",
        "night use",
        "leakage",
        "at reference",
        "m3 a day",
        "values",
        "left out",
    )
    table = shell.table(*headings, whole=("night", "sensor", "m3/h", "bar", "night use", "leakage", "values"))
    for column in table.columns[3:]:
        column.justify = "right"
    for night in nights:
        table.add_row(
            night["night"].isoformat(),
            shell.cell(night["sensor"]),
            _hour(night["hour_start"], chosen),
            shell.number(night["hour_flow"]),
            shell.number(night["hour_pressure"]),
            shell.number(night["percentile_flow"]),
            _use(night),
            _leakage(night, "leak_flow", 2),
            _reference(night),
            _leakage(night, "leak_day", 0),
            str(night["good_minutes"]),
            _left_out(night),
        )
    return table


def _use(night: dict[str, Any]) -> str:
    """Night use and its source."""
    if night["night_use_low"] is not None:
        return f"{night['night_use_low']:.2f}-{night['night_use_high']:.2f} (estimate)"
    if night["night_use"] is None or night["night_use_by"] == "share":
        return ""
    by = {"users": f"{night['night_users'] or 0:g} users", "fixed": "fixed"}
    return f"{night['night_use']:.2f} ({by.get(night['night_use_by'], night['night_use_by'])})"


def _leakage(night: dict[str, Any], name: str, decimals: int) -> str:
    """One number where the night use is set, else the range of the estimate."""
    if night["definition"] < DEFINITION and night["night_use_by"] == "share":
        return "earlier definition"
    low, high = night[f"{name}_low"], night[f"{name}_high"]
    if low is None or high is None:
        return shell.number(night[name], decimals)
    return f"{low:.{decimals}f}-{high:.{decimals}f} (estimate)"


def _reference(night: dict[str, Any]) -> str:
    """Leakage at the reference pressure."""
    leakage = _leakage(night, "leak_flow_reference", 2)
    if night["reference_pressure"] is None or not leakage or leakage == "earlier definition":
        return ""
    exponent = "" if night["n1"] == 1 else f", N1 {night['n1']:g}"
    return f"{leakage} ({night['reference_pressure']:.2f} bar{exponent})"


def _left_out(night: dict[str, Any]) -> str:
    counts = ((night["faulty_minutes"], "faulty"), (night["planned_minutes"], "planned"))
    return ", ".join(f"{count} {what}" for count, what in counts if count)


def _hour(start: datetime | None, chosen: Settings) -> str:
    return f"from {start.astimezone(chosen.site.zone):%H:%M}" if start else "too few values"
