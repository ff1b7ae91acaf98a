"""`hydrolog resend`: send rows to the server again."""

import json
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from common import clock as clocks
from common import database, resend_count, settings
from common.clock import local_text
from common.options import Parser, aware_time
from common.settings import Settings

if TYPE_CHECKING:
    from consumer.resend import Resender, ResendOutcome


def run(args: list[str]) -> int:
    """Send the rows in `rejected/`, or those of a time span; exit code 1 if the server refused some."""
    from consumer.carrier import carrier_for
    from consumer.resend import Resender

    parser = Parser(
        prog="hydrolog resend",
        description="Without --from and --to: send the refused rows in rejected/ again; accepted ones are removed from "
        "the folder. With --from and --to: send the rows of that span from the database. A server that drops "
        "repeated rows by (site, log id, offset) stores no row twice.",
    )
    parser.add_argument("--from", dest="start", type=aware_time, metavar="ISO-TIME", help="first minute of the span")
    parser.add_argument("--to", dest="end", type=aware_time, metavar="ISO-TIME", help="the minute after the span")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    parser.add_argument("--json", action="store_true", help="only how many rows were sent and refused, as JSON")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    options = parser.parse_args(args)
    if (options.start is None) != (options.end is None):
        parser.error("--from and --to go together")
    chosen = settings.load(options.config)
    if options.dry_run:
        return _preview(chosen, options.start, options.end)
    resender = Resender(carrier_for(chosen, threading.Event()), clocks.from_environment())
    try:
        if options.start is None:
            _rejected(resender, chosen)
        else:
            _span(resender, chosen, options.start, options.end)
    finally:  # also of what was sent before the server took no more
        _say(resender.outcome, as_json=options.json)
    return 1 if resender.outcome.refused else 0


def _say(outcome: "ResendOutcome", *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"rows": outcome.rows, "refused": len(outcome.refused)}) + "\n")
        return
    for offset, problem in outcome.refused:
        sys.stdout.write(f"refused: offset {offset}, {problem}\n")
    sys.stdout.write(f"{outcome.rows} rows sent, {len(outcome.refused)} refused\n")


def _preview(chosen: Settings, start: datetime | None, end: datetime) -> int:
    from consumer import rejected

    if start is None:
        sys.stdout.write(f"{sum(1 for _ in rejected.load_all(chosen.paths.data))} refused rows would be sent\n")
        return 0
    with database.connect(database.address(chosen), "resend") as connection, connection.cursor() as cursor:
        found = resend_count.count(cursor, chosen, start, end)
    shown = " to ".join(local_text(time, chosen.site.zone) for time in (found.first, found.last) if time)
    sys.stdout.write(f"{found.rows} rows of {found.sensors} sensors would be sent{shown and f': {shown}'}\n")
    return 0


def _rejected(resender: "Resender", chosen: Settings) -> None:
    from consumer import rejected

    for refused in rejected.load_all(chosen.paths.data):
        if resender.deliver(refused.parcel):
            refused.path.unlink()


def _span(resender: "Resender", chosen: Settings, start: datetime, end: datetime) -> None:
    from consumer.resend import parcels_of_span

    with database.connect(database.address(chosen), "resend") as connection:
        for parcel in parcels_of_span(connection, chosen, start, end):
            resender.deliver(parcel)
