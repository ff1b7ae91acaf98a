"""`hydrolog calendar list|add|remove`: planned work and holidays, in text files that can also be edited by hand.

A change takes effect at the producer's next minute, the next night report and the next build of criteria.
"""

import argparse
import sys
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from cli import shell
from common import files, settings
from common.clock import minute_of, minute_start
from common.errors import HydrologError
from common.folder import CRITERIA_FOLDER
from common.settings import Settings
from outliers import calendar
from outliers.calendar import HOLIDAYS, PLANNED, Work

HEADS = {
    PLANNED: "# sensor or all, start, end (local times), description",
    HOLIDAYS: "# one date per line, treated as a Sunday",
}
HOLIDAY = "holiday"


class NotInCalendar(HydrologError):
    """The calendar cannot be changed this way."""

    exit_code = 2


def run(args: list[str]) -> int:
    """List, add or remove; exit code 1 if a line of the calendar is wrong.

    Raises:
        NotInCalendar: the new entry is invalid, or the entry to remove does not exist.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    folder = chosen.paths.data / CRITERIA_FOLDER
    try:
        if options.action == "add":
            _add(chosen, folder, options.words)
        elif options.action == "remove":
            _remove(folder, options.entry)
        return _list(chosen)
    except OSError as error:
        raise NotInCalendar(f"cannot change {folder}: {error.strerror}") from error


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "calendar",
        "Planned work (no alarms) and holidays (treated as Sundays). Without an action: list.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, words, help_ in (
        ("list", "", "show both, and lines that cannot be read"),
        ("add", "words", 'SENSOR|all FROM TO WHAT, as: add 001 "2024-09-17 09:00" "2024-09-17 12:30" flushing; or '
         "holiday DATE [NAME]"),
        ("remove", "entry", "planned work by its number in the list, or a holiday by its date"),
    ):  # fmt: skip
        action = actions.add_parser(name, help=help_, description=help_)
        shell.add_config_again(action)
        if words:
            action.add_argument(words, nargs="+" if name == "add" else None, metavar=words.upper())
    return parser


def _add(chosen: Settings, folder: Path, words: list[str]) -> None:
    if words[0] == HOLIDAY:
        if len(words) < 2:
            raise NotInCalendar("add holiday needs a date, YYYY-MM-DD")
        _append(folder / HOLIDAYS, " ".join([_day(words[1]).isoformat(), *words[2:]]))
        return
    if len(words) < 4:
        raise NotInCalendar('add needs SENSOR or all, FROM, TO and WHAT; times like "2024-09-17 09:00"')
    sensor, first, end, *what = words
    begins, ends = _time(first), _time(end)
    try:
        work = calendar.work(sensor, begins, ends, " ".join(what), chosen.site.zone)
    except ValueError as error:
        raise NotInCalendar(str(error)) from error
    _append(folder / PLANNED, f"{work.sensor}  {begins:%Y-%m-%d %H:%M}  {ends:%Y-%m-%d %H:%M}  {work.what}")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotInCalendar(f'{shell.printable(text)} is not a time like "2024-09-17 09:00"') from error
    if found.tzinfo is not None:
        raise NotInCalendar(f"{shell.printable(text)}: times are local, without an offset")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotInCalendar(f"{shell.printable(text)} is not a date like 2024-09-17") from error


def _append(path: Path, line: str) -> None:
    if not line.isprintable():
        raise NotInCalendar("only printable characters are allowed")
    lines = calendar.lines_of(path) or [HEADS[path.name]]
    if line not in lines:
        _store(path, [*lines, line])


def _remove(folder: Path, entry: str) -> None:
    if entry.isascii() and entry.isdigit():
        path, number = folder / PLANNED, int(entry)
        lines = calendar.lines_of(path)
        if not 1 <= number <= len(lines) or not lines[number - 1].strip() or lines[number - 1].startswith("#"):
            raise NotInCalendar(f"there is no work number {number}; see: hydrolog calendar list")
        _store(path, [*lines[: number - 1], *lines[number:]])
        return
    path, day = folder / HOLIDAYS, _day(entry).isoformat()
    lines = calendar.lines_of(path)
    left = [line for line in lines if line.split()[:1] != [day]]
    if len(left) == len(lines):
        raise NotInCalendar(f"{day} is not a holiday in the calendar; see: hydrolog calendar list")
    _store(path, left)


def _store(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace(path, ("\n".join(lines) + "\n").encode())


def _list(chosen: Settings) -> int:
    known = calendar.load(chosen.paths.data, chosen.site.zone)
    now = minute_of(shell.site_clock(chosen.paths.data).now())
    table = shell.table("number", "sensor", "from", "to", "what", "", whole=("number", "from", "to"))
    for work in sorted(known.works, key=lambda work: work.first):
        times = (_local(minute, chosen) for minute in (work.first, work.end))
        table.add_row(str(work.line), shell.cell(work.sensor), *times, shell.cell(work.what), _state(work, now))
    console = shell.console()
    console.print(table if known.works else "no planned work")
    own, _ = calendar.holidays_of(chosen.paths.data / CRITERIA_FOLDER / HOLIDAYS)
    console.print(f"holidays: {_days(own)}")
    if chosen.site.country:
        console.print(f"of {chosen.site.country}, the next year: {_days(_year(known.holidays - own, now, chosen))}")
    for problem in known.problems:
        sys.stderr.write(f"{shell.printable(problem)}\n")
    return 1 if known.problems else 0


def _days(days: Iterable[date]) -> str:
    return ", ".join(day.isoformat() for day in sorted(days)) or "none"


def _year(days: Iterable[date], now: int, chosen: Settings) -> list[date]:
    today = minute_start(now).astimezone(chosen.site.zone).date()
    return [day for day in days if today <= day < today + timedelta(days=365)]


def _state(work: Work, now: int) -> str:
    if work.end <= now:
        return "over"
    return "now" if work.first <= now else "to come"


def _local(minute: int, chosen: Settings) -> str:
    return f"{minute_start(minute).astimezone(chosen.site.zone):%Y-%m-%d %H:%M}"
