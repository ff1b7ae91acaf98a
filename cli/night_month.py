"""`hydrolog night report`: the leakage of a month up to now, its cost, and how it compares with what is unavoidable."""

import argparse
import json
import re
import sys
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row
from rich.table import Table

from cli import shell
from common import database
from common.clock import minute_of
from common.errors import NoSuchSensor
from common.messages import Catalogue, words
from common.night import DAY, DEFINITION, NightClock, minute_of_day
from common.settings import Settings

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


def add_parser(actions: Any) -> None:
    """Add the subcommand."""
    text = (
        "The month up to now: volume of leakage, mean of the minimum night flows, unavoidable losses (UARL), the "
        "infrastructure leakage index (ILI) where the night use and the network are known, and the cost "
        "(site.water_price). A night without a daily leakage is left out and counted, never filled in."
    )
    action = actions.add_parser("report", help="the leakage of a month", description=text)
    action.add_argument("--month", type=_month, metavar="YYYY-MM", help="that month (that of the last night)")
    action.add_argument("--sensor", metavar="ID", default=argparse.SUPPRESS, help="only this one")
    action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    shell.add_config_again(action)


def _month(text: str) -> date:
    if not _MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"must be a month like 2024-08, is {text!r}")
    return date.fromisoformat(f"{text}-01")


def show(chosen: Settings, options: argparse.Namespace) -> None:
    """Print the month.

    Raises:
        DatabaseDown: no answer.
        NoSuchSensor: the one that is asked for is not registered.
    """
    newest = _last_night(chosen, shell.site_clock(chosen.paths.data).now())
    first = options.month or newest.replace(day=1)
    last = min(newest, (first + timedelta(days=31)).replace(day=1) - DAY)
    sensors = [_with_cost(one, chosen) for one in _read(chosen, first, last, options.sensor)]
    if options.sensor is not None and not sensors and first <= last:
        raise NoSuchSensor(f"{shell.printable(options.sensor)} is not registered; see: hydrolog sensors")
    if options.json:
        said = {"month": f"{first:%Y-%m}", "first": first, "last": last if first <= last else None, "sensors": sensors}
        sys.stdout.write(json.dumps(said, default=_text, indent=1, ensure_ascii=False) + "\n")
        return
    speech, console = words(chosen.site.language), shell.console()
    month = f"{first:%Y-%m}"
    if not sensors:
        console.print(speech.say("{month}: no night is over yet, or no sensor is registered.", month=month))
        return
    console.print(speech.say("Leakage of {month}, nights {first} to {last}", month=month, first=first, last=last))
    console.print(_table(sensors, chosen, speech))
    for line in _remarks(sensors, speech):
        console.print(line)


def _last_night(chosen: Settings, now: datetime) -> date:
    """The last night whose report is due."""
    night = NightClock(chosen.site.zone, minute_of_day(chosen.night.start), minute_of_day(chosen.night.end))
    due = now - timedelta(seconds=chosen.night.grace_seconds)
    day = due.astimezone(chosen.site.zone).date()
    while night.span(day)[1] > minute_of(due):
        day -= DAY
    return day


def _read(chosen: Settings, first: date, last: date, sensor: str | None) -> list[dict[str, Any]]:
    asked = {"first": first, "last": last, "sensor": sensor, "definition": DEFINITION}
    connection = database.Database(chosen, "night-report")
    try:
        with connection.transaction() as cursor:
            cursor.row_factory = dict_row
            cursor.execute(database.statement("night_months"), asked)
            return cursor.fetchall()
    finally:
        connection.close()


def _with_cost(one: dict[str, Any], chosen: Settings) -> dict[str, Any]:
    price = chosen.site.water_price
    if not price or one["leak_low"] is None:
        return one
    cost = {"cost_low": one["leak_low"] * price, "cost_high": one["leak_high"] * price}
    return {**one, **cost, "currency": chosen.site.currency}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _table(sensors: list[dict[str, Any]], chosen: Settings, speech: Catalogue) -> Table:
    headings = [
        speech.say("sensor"),
        speech.say("nights"),
        speech.say("minimum night flow, m3/h"),
        speech.say("leakage, m3"),
        speech.say("UARL, m3"),
        speech.say("ILI"),
    ]
    if chosen.site.water_price:
        cost = speech.say("cost of leakage")
        headings.append(f"{cost}, {shell.printable(chosen.site.currency)}" if chosen.site.currency else cost)
    table = shell.table(*headings)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in sensors:
        over = one["nights"] + len(one["missing"])
        cells = [
            speech.say("{nights} of {over}", nights=one["nights"], over=over),
            shell.number(one["hour_flow_mean"]),
            _span(one, "leak", speech),
            _of_nights(one, "uarl", 0, speech),
            _of_nights(one, "ili", 1, speech),
        ]
        if chosen.site.water_price:
            cells.append(_span(one, "cost", speech))
        table.add_row(shell.cell(one["sensor"]), *cells)
    return table


def _span(one: dict[str, Any], name: str, speech: Catalogue) -> str:
    """One number where the night use was set in all nights, else a range."""
    low, high = one.get(f"{name}_low"), one.get(f"{name}_high")
    if low is None or high is None:
        return ""
    if not one["estimate"]:
        return f"{low:,.0f}"
    return speech.say("{low:,.0f}-{high:,.0f} (estimate)", low=low, high=high)


def _of_nights(one: dict[str, Any], name: str, decimals: int, speech: Catalogue) -> str:
    """A figure, with the number of its nights if these are not the nights of the volume."""
    value, nights = one[name], one[f"{name}_nights"]
    if value is None:
        return ""
    figure = f"{value:,.{decimals}f}"
    if nights == one["nights"]:
        return figure
    return f"{figure} ({speech.many('{count} night', '{count} nights', nights)})"


def _remarks(sensors: list[dict[str, Any]], speech: Catalogue) -> list[str]:
    lines = []
    if any(one["missing"] for one in sensors):
        lines.append(speech.say("Nights without a daily leakage are left out of the volume, not filled in."))
    if any(one["estimate"] for one in sensors):
        lines.append(speech.say("Estimate: nobody has set the night use (hydrolog night set)."))
    return lines
