"""`hydrolog report`: a month of the site as PDF or as a workbook."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.status import Status

from cli import shell, site_choice
from cli.whole_file import NotWritten, leave_room, replacing
from common import settings
from common.database import WEB_USER, Database
from common.files import write_all
from common.messages import LANGUAGES, Catalogue, message, words
from common.settings import Settings
from reports import monthly
from reports.month import Month, last_whole
from reports.monthly import MonthlyReport

OUTPUT = Path("-")  # standard output
STAGES = {
    "nights": message("Reading the nights …"),
    "minutes": message("Reading the minutes of {count} of {whole} sensors …"),
    "forecasts": message("Reading the forecasts …"),
    "incidents": message("Reading the incidents …"),
}

Make = Callable[[MonthlyReport, Catalogue], bytes]


def run(args: list[str]) -> int:
    """Write the files that are asked for.

    Raises:
        DatabaseDown: no answer.
        MonthToCome: the month has not begun.
        NoSuchSensor: it is not registered.
        NotWritten: a file cannot be written; an earlier one of that name stays.
    """
    parser = _parser()
    options = parser.parse_args(args)
    wanted: dict[Path, Make] = {}
    if options.pdf:
        from reports.pdf import pdf

        wanted[options.pdf] = pdf
    if options.xlsx:
        from reports.workbook import workbook

        wanted[options.xlsx] = workbook
    if len(wanted) != (options.pdf is not None) + (options.xlsx is not None) or not wanted:
        parser.error("name a file: --pdf FILE, --xlsx FILE, or both, each of its own")
    own = settings.load(options.config)
    chosen = site_choice.of(own, options.site)
    speech = words(options.language or chosen.site.language)
    console = Console(stderr=True)
    with console.status("") as status:
        told = _Told(status, speech)
        folder = own.paths.data if chosen.site.id == own.site.id else None  # what is in it is of the own site
        report = _gather(chosen, folder, options, shell.site_clock(own.paths.data).now(), told)
        status.update(speech.say("Writing the files …"))
        made = {path: make(report, speech) for path, make in wanted.items()}
    for path, content in made.items():
        _write(path, content, chosen, speech)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "report",
        "The report of a month: leakage of each sensor, the largest first, minimum night flows, incidents, minutes "
        "with a value, errors of the forecasts, and what people did.",
    )
    parser.add_argument(
        "month", nargs="?", type=shell.month, metavar="MONTH", help="such as 2024-08 (default: the last)"
    )
    parser.add_argument("--sensor", type=shell.sensor_id, metavar="ID", help="only this one")
    site_choice.add(parser)
    parser.add_argument("--language", choices=LANGUAGES, help="instead of the site's")
    parser.add_argument("--pdf", type=Path, metavar="FILE", help="write it as PDF; - is standard output")
    parser.add_argument("--xlsx", type=Path, metavar="FILE", help="write it as a workbook; - is standard output")
    return parser


class _Told:
    """How far it is, on the terminal."""

    def __init__(self, status: Status, speech: Catalogue) -> None:
        self._status, self._speech = status, speech

    def __call__(self, stage: str, count: int, whole: int) -> None:
        self._status.update(self._speech.say(STAGES[stage], count=f"{count:,}", whole=f"{whole:,}"))


def _gather(
    chosen: Settings, folder: Path | None, options: argparse.Namespace, now: datetime, told: _Told
) -> MonthlyReport:
    zone = chosen.site.zone
    month = Month(options.month, zone) if options.month else last_whole(now, zone)
    with closing(Database(chosen, "report", WEB_USER)) as database:  # which only reads
        return monthly.gather(chosen, database, folder, month, now, told=told, only=options.sensor)


def _write(path: Path, content: bytes, chosen: Settings, speech: Catalogue) -> None:
    if path == OUTPUT:
        sys.stdout.flush()
        write_all(sys.stdout.fileno(), content)
        return
    if os.path.realpath(path).startswith(f"{chosen.paths.data.resolve()}{os.sep}"):
        raise NotWritten(f"{path} is in the box's own folder; name a place outside of {chosen.paths.data}")
    leave_room(path, chosen.paths.data)
    with replacing(path, "report") as file:
        file.write(content)
    sys.stderr.write(speech.say("written: {path}", path=shell.printable(path.absolute())) + "\n")
