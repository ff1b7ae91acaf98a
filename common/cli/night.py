"""`hydrolog night`: what the last nights say about leakage, from NIGHT_REPORT_TB."""

import json
import sys
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row
from rich.table import Table

from common import database, settings
from common.cli import shell
from common.settings import Settings

NIGHTS = 7


def run(args: list[str]) -> int:
    """Print the last nights.

    Raises:
        DatabaseDown: no answer.
    """
    parser = shell.parser(
        "night",
        "The last nights: the quietest rolling hour, the 20th percentile of seven nights, what of it is leakage and "
        "what that makes in a day. Values with a SYSTEM flag are left out.",
    )
    parser.add_argument("--nights", type=int, default=NIGHTS, metavar="N", help=f"how many nights ({NIGHTS})")
    parser.add_argument("--sensor", metavar="ID", help="only this one")
    parser.add_argument("--json", action="store_true", help="every stored figure, for programs")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    nights = _read(chosen, options.nights, options.sensor)
    if options.json:
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
            cursor.execute(database.statement("night_last"), {"nights": max(nights, 0), "sensor": sensor})
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
        "leakage",
        "m3 a day",
        "values",
        "faulty",
    )
    table = shell.table(*headings, whole=("night", "sensor", "m3/h", "bar", "leakage", "values", "faulty"))
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
            shell.number(night["leak_flow"]),
            shell.number(night["leak_day"], 0),
            str(night["good_minutes"]),
            str(night["faulty_minutes"] or ""),
        )
    return table


def _hour(start: datetime | None, chosen: Settings) -> str:
    return f"from {start.astimezone(chosen.site.zone):%H:%M}" if start else "too few values"
