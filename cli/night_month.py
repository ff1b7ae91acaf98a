"""`hydrolog night report`: the leakage of a month up to now, its cost, and how it compares with what is unavoidable."""

import argparse
import dataclasses
import json
import sys
from contextlib import closing
from datetime import date
from typing import Any

from rich.table import Table

from cli import shell, site_choice
from common.database import Database
from common.errors import NoSuchSensor
from common.messages import Catalogue, words
from common.night import DAY
from common.settings import Settings
from reports import leakage
from reports.leakage import MonthlyLeakage, in_range, of_nights, with_currency
from reports.month import Month, last_night


def add_parser(actions: Any) -> None:
    """Add the subcommand."""
    text = (
        "The month up to now: volume of leakage, mean of the minimum night flows, unavoidable losses (UARL), the "
        "infrastructure leakage index (ILI) where the night use and the network are known, and the cost "
        "(site.water_price). A night without a daily leakage is left out and counted, never filled in."
    )
    action = shell.add_action(actions, "report", "the leakage of a month", text)
    action.add_argument("--month", type=shell.month, metavar="YYYY-MM", help="that month (that of the last night)")
    action.add_argument("--sensor", type=shell.sensor_id, metavar="ID", default=argparse.SUPPRESS, help="only this one")
    action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    site_choice.add(action, again=True)


def show(chosen: Settings, options: argparse.Namespace) -> None:
    """Print the month.

    Raises:
        DatabaseDown: no answer.
        NoSuchSensor: the one that is asked for is not registered.
    """
    newest = last_night(chosen, shell.site_clock(chosen.paths.data).now())
    month = Month(options.month or newest.replace(day=1), chosen.site.zone)
    first, last = month.first, min(newest, month.after - DAY)
    with closing(Database(chosen, "night-report")) as database, database.transaction() as cursor:
        sensors = leakage.read(cursor, first, last, chosen.site, options.sensor)
    if options.sensor is not None and not sensors and first <= last:
        raise NoSuchSensor(f"{shell.printable(options.sensor)} is not registered; see: hydrolog sensors")
    if options.json:
        plain = [_plain(one, chosen) for one in sensors]
        said = {"month": str(month), "first": first, "last": last if first <= last else None, "sensors": plain}
        sys.stdout.write(json.dumps(said, default=_text, indent=1, ensure_ascii=False) + "\n")
        return
    speech, console = words(chosen.site.language), shell.console()
    if not sensors:
        console.print(speech.say("{month}: no night is over yet, or no sensor is registered.", month=month))
        return
    console.print(speech.say("Leakage of {month}, nights {first} to {last}", month=month, first=first, last=last))
    console.print(_table(sensors, chosen, speech))
    for line in leakage.remarks(sensors, speech):
        console.print(line)


def _plain(one: MonthlyLeakage, chosen: Settings) -> dict[str, Any]:
    """For programs; the cost only where it is known."""
    whole = dataclasses.asdict(one)
    if one.cost_low is None:
        del whole["cost_low"], whole["cost_high"]
        return whole
    return whole | {"currency": chosen.site.currency}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _table(sensors: list[MonthlyLeakage], chosen: Settings, speech: Catalogue) -> Table:
    headings = [
        speech.say("sensor"),
        speech.say("nights"),
        speech.say("minimum night flow, m3/h"),
        speech.say("leakage, m3"),
        speech.say("UARL, m3"),
        speech.say("ILI"),
    ]
    if chosen.site.water_price:
        headings.append(with_currency(speech.say("cost of leakage"), shell.printable(chosen.site.currency), speech))
    table = shell.table(*headings)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in sensors:
        cells = [
            speech.say("{nights} of {over}", nights=one.nights, over=one.nights + len(one.missing)),
            shell.number(one.hour_flow_mean),
            in_range(one.leak_low, one.leak_high, one.estimate, speech),
            of_nights(one.uarl, one.uarl_nights, 0, one, speech),
            of_nights(one.ili, one.ili_nights, 1, one, speech),
        ]
        if chosen.site.water_price:
            cells.append(in_range(one.cost_low, one.cost_high, one.estimate, speech))
        table.add_row(shell.cell(one.sensor), *cells)
    return table
