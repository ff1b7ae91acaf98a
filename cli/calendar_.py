"""`hydrolog calendar list|add|end|remove`: planned work and holidays, in text files that can also be edited by hand.

A change takes effect at the producer's next minute, the next night report and the next build of criteria.
"""

import argparse
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from cli import acting, shell
from common import settings
from common.audit import Actor
from common.clock import local_text, minute_of, minute_start
from common.errors import HydrologError
from common.folder import CRITERIA_FOLDER
from common.refused import NotPossible
from common.settings import Settings
from outliers import calendar, planning
from outliers.calendar import HOLIDAYS, Work
from outliers.planning import TypedSchool, TypedWork

HOLIDAY, SCHOOL = "holiday", "school"


class NotInCalendar(HydrologError):
    """The calendar cannot be changed this way."""

    exit_code = 2


def run(args: list[str]) -> int:
    """List, add or remove; exit code 1 if a line of the calendar is wrong.

    Raises:
        NotInCalendar, Refused: the new entry is invalid, or the entry to remove does not exist.
        CalendarUnwritable, AuditUnwritable: a file cannot be written; nothing has changed.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    if options.action in ("add", "end", "remove"):
        _change(chosen, options)
    return _list(chosen)


def _change(chosen: Settings, options: argparse.Namespace) -> None:
    data, by = chosen.paths.data, Actor(acting.person())
    acting.become_owner(data)
    try:
        if options.action == "add":
            _add(chosen, by, options.words)
        elif options.action == "end":
            planning.end_now(data, chosen.site.zone, by, options.number, shell.site_clock(data).now())
        else:
            _remove(data, by, options.entry)
    except NotPossible as error:
        raise NotInCalendar(f"{error} See: hydrolog calendar list") from error


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "calendar",
        "Planned work (no alarms) and holidays (treated as Sundays). Without an action: list.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, words, help_ in (
        ("list", "", "show both, and lines that cannot be read"),
        ("add", "words", 'SENSOR|all FROM TO WHAT, as: add 001 "2024-09-17 09:00" "2024-09-17 12:30" flushing; or '
         "holiday DATE [NAME], or school FIRST LAST [NAME]"),
        ("end", "number", "end planned work that is under way now, by its number in the list"),
        ("remove", "entry", "planned work by its number in the list, a holiday by its date, or school FIRST [LAST]"),
    ):  # fmt: skip
        action = shell.add_action(actions, name, help_)
        if words:
            kind = int if words == "number" else str
            many = None if words == "number" else "+"
            action.add_argument(words, type=kind, nargs=many, metavar=words.upper())
    return parser


def _add(chosen: Settings, by: Actor, words: list[str]) -> None:
    data = chosen.paths.data
    if words[0] == HOLIDAY:
        if len(words) < 2:
            raise NotInCalendar("add holiday needs a date, YYYY-MM-DD")
        planning.add_holiday(data, by, words[1], " ".join(words[2:]))
        return
    if words[0] == SCHOOL:
        if len(words) < 3:
            raise NotInCalendar("add school needs its first and its last day, YYYY-MM-DD")
        planning.add_school(data, by, TypedSchool(words[1], words[2], " ".join(words[3:])))
        return
    if len(words) < 4:
        raise NotInCalendar('add needs SENSOR or all, FROM, TO and WHAT; times like "2024-09-17 09:00"')
    sensor, first, end, *what = words
    planning.plan(data, chosen.site.zone, by, TypedWork(sensor, first, end, " ".join(what)))


def _remove(data: Path, by: Actor, words: list[str]) -> None:
    entry, *more = words
    if entry == SCHOOL and len(more) in (1, 2):
        planning.remove_school(data, by, " ".join(more))
    elif more:
        raise NotInCalendar("remove needs one number or date, or school and its first day")
    elif entry.isascii() and entry.isdigit():
        planning.remove_line(data, by, int(entry))
    else:
        planning.remove_holiday(data, by, entry)


def _list(chosen: Settings) -> int:
    known = calendar.load(chosen.paths.data, chosen.site.zone)
    now = minute_of(shell.site_clock(chosen.paths.data).now())
    table = shell.table("number", "sensor", "from", "to", "what", "", whole=("number", "from", "to"))
    for work in sorted(known.works, key=lambda work: work.first):
        times = (local_text(minute, chosen.site.zone) for minute in (work.first, work.end))
        table.add_row(str(work.line), shell.cell(work.sensor), *times, shell.cell(work.what), _state(work, now))
    console = shell.console()
    console.print(table if known.works else "no planned work")
    own, _ = calendar.holidays_of(chosen.paths.data / CRITERIA_FOLDER / HOLIDAYS)
    console.print(f"holidays: {_days(own)}")
    if chosen.site.country:
        console.print(f"of {chosen.site.country}, the next year: {_days(_year(known.holidays - own, now, chosen))}")
    if known.school:
        names = (f"{each.first} to {each.last} {shell.printable(each.name)}".rstrip() for each in known.school)
        console.print(f"school holidays: {', '.join(names)}")
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
