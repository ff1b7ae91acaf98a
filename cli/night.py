"""`hydrolog night`: the leakage of the last nights, from NIGHT_REPORT_TB.

`night report` sums up a month; `night set` changes a sensor's values.
"""

import json
import sys
from contextlib import closing
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row

from cli import night_month, night_set, night_table, shell, site_choice
from common import database, settings
from common.messages import words
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
    console, speech = shell.console(), words(chosen.site.language)
    if nights:
        console.print(night_table.table(nights, chosen.site.zone, speech))
    else:
        console.print(speech.say("no night yet: a night is reported after it has ended"))
    return 0


def _read(chosen: Settings, nights: int, sensor: str | None) -> list[dict[str, Any]]:
    with closing(database.Database(chosen, "night")) as connection, connection.transaction() as cursor:
        cursor.row_factory = dict_row
        asked = {"site": chosen.site.id, "nights": max(nights, 0), "sensor": sensor}
        cursor.execute(database.statement("night_last"), asked)
        return cursor.fetchall()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
