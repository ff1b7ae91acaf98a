"""What people may change in the calendar, and doing it. The page and the commands share these rules.

Each change is written down first, and then made, or neither. All of them raise `Refused` for what is wrong,
`NotPossible` for what is not as somebody saw it, `CalendarUnwritable` and `AuditUnwritable`; then nothing has changed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from common import audit, files
from common.audit import Actor, Value
from common.clock import local_text, minute_of
from common.errors import HydrologError
from common.folder import CRITERIA_FOLDER
from common.messages import message
from common.refused import CHANGED, NotPossible, Refused, local_time, one_line
from outliers import calendar, school
from outliers.calendar import END_YEAR, FIRST_YEAR, HOLIDAYS, OUT_OF_RANGE, PLANNED, Work
from outliers.calendar_lines import LONGEST_WHAT, MOST_BYTES, lines_of
from outliers.school import SCHOOL, SchoolHoliday

HEADS = {
    PLANNED: "# sensor or all, start, end (local times), description",
    HOLIDAYS: "# one date per line, treated as a Sunday",
    SCHOOL: "# first day, last day, name",
}

NO_DATE = message("This is not a date like 2024-09-17.")
IS_HOLIDAY = message("This day is a holiday already.")
FULL = message("The calendar is full. Remove what is long over.")
GONE = message("It is not in the calendar any more, so nothing was changed.")
SEVERAL = message("Several begin on this day. Name the last day, too.")
NOT_NOW = message("It is not under way, so it cannot be ended.")


class TypedWork(NamedTuple):
    """As somebody has typed it: a sensor or all, two local times, and what it is."""

    sensor: str
    first: str
    end: str
    what: str


class TypedSchool(NamedTuple):
    """As somebody has typed it: the first and the last day, and the name."""

    first: str
    last: str
    name: str


class Store(Protocol):
    """Writes down what is done, and then does it."""

    def __call__(self, lines: list[str], what: str, **values: Value) -> None: ...


class CalendarUnwritable(HydrologError):
    """The calendar could not be changed."""


def key(work: Work) -> str:
    """What a form calls a work by, whatever line it stands in."""
    whole = f"{work.sensor}\0{work.first}\0{work.end}\0{work.what}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def plan(data: Path, zone: ZoneInfo, by: Actor, typed: TypedWork) -> None:
    """Add planned work. What is there already is not added twice."""
    first, end = local_time(typed.first, "first"), local_time(typed.end, "end")
    work = calendar.work(typed.sensor, first, end, typed.what, zone)
    with _changing(data, by, PLANNED) as (lines, store):
        if any(key(known) == key(work) for known in _works(data, zone)):
            return
        line = _line(work, zone)
        store([*lines, line], "work-planned", after=line)


def end_now(data: Path, zone: ZoneInfo, by: Actor, entry: str | int, now: datetime) -> None:
    """End work that is under way. `entry`: its `key`, or the number of its line."""
    with _changing(data, by, PLANNED) as (lines, store):
        work = _one(data, zone, entry)
        minute = minute_of(now)
        if not work.first <= minute < work.end:
            raise NotPossible(NOT_NOW)
        line = _line(Work(work.sensor, work.first, max(minute, work.first + 1), work.what), zone)
        left = [*lines[: work.line - 1], line, *lines[work.line :]]
        store(left, "work-ended", before=_line(work, zone), entry=key(work), after=line)


def remove(data: Path, zone: ZoneInfo, by: Actor, entry: str) -> None:
    """Remove planned work. `entry`: its `key`."""
    with _changing(data, by, PLANNED) as (lines, store):
        work = _one(data, zone, entry)
        left = [*lines[: work.line - 1], *lines[work.line :]]
        store(left, "work-removed", before=_line(work, zone), entry=entry)


def remove_line(data: Path, by: Actor, number: int) -> None:
    """Remove a line of planned work, also one that cannot be read."""
    with _changing(data, by, PLANNED) as (lines, store):
        if not 1 <= number <= len(lines) or not lines[number - 1].strip() or lines[number - 1].startswith("#"):
            raise NotPossible(GONE)
        store([*lines[: number - 1], *lines[number:]], "work-removed", before=lines[number - 1])


def add_holiday(data: Path, by: Actor, typed: str, name: str = "") -> None:
    """Add a holiday. `typed`: its date."""
    day, name = _new_day(typed), one_line(name, LONGEST_WHAT, "name")
    with _changing(data, by, HOLIDAYS) as (lines, store):
        if day in calendar.named_holidays(_path(data, HOLIDAYS))[0]:
            raise Refused(IS_HOLIDAY, "day")
        line = f"{day}  {name}".rstrip()
        store([*lines, line], "holiday-added", after=line)


def remove_holiday(data: Path, by: Actor, typed: str) -> None:
    """Remove a holiday that people have added. `typed`: its date."""
    day = _day(typed)
    with _changing(data, by, HOLIDAYS) as (lines, store):
        left = [line for line in lines if not _is_of(line, day)]
        if len(left) == len(lines):
            raise _gone(data, day.isoformat())
        store(left, "holiday-removed", entry=day.isoformat())


def add_school(data: Path, by: Actor, typed: TypedSchool) -> None:
    """Add a school holiday. What is there already is not added twice."""
    first, last = _new_day(typed.first, "school_first"), _new_day(typed.last, "school_last")
    new = school.checked(first, last, one_line(typed.name, LONGEST_WHAT, "school_name"))
    with _changing(data, by, SCHOOL) as (lines, store):
        if new not in school.holidays_in(_path(data, SCHOOL))[0]:
            line = _school_line(new)
            store([*lines, line], "school-added", after=line)


def remove_school(data: Path, by: Actor, typed: str) -> None:
    """Remove a school holiday. `typed`: its first day, and its last, if others begin with it."""
    first, *more = typed.split() or [""]
    day, last = _day(first), _day(" ".join(more)) if more else None
    entry = f"{day} {last}" if last else day.isoformat()
    with _changing(data, by, SCHOOL) as (lines, store):
        known = {each.last for each in school.holidays_in(_path(data, SCHOOL))[0] if each.first == day}
        if last is None and len(known) > 1:
            raise Refused(SEVERAL)
        left = [line for line in lines if not (_is_of(line, day) and (last is None or school.last_of(line) == last))]
        if len(left) == len(lines):
            raise _gone(data, entry)
        store(left, "school-removed", entry=entry)


def _school_line(new: SchoolHoliday) -> str:
    return f"{new.first}  {new.last}  {new.name}".rstrip()


def _works(data: Path, zone: ZoneInfo) -> tuple[Work, ...]:
    return calendar.planned(_path(data, PLANNED), zone)[0]


def _one(data: Path, zone: ZoneInfo, entry: str | int) -> Work:
    found = next((work for work in _works(data, zone) if entry in (key(work), work.line)), None)
    if found is None:
        raise _gone(data, entry)
    return found


def _gone(data: Path, entry: str | int) -> NotPossible:
    """Somebody else was faster: who, if the audit knows."""
    done = audit.last(data, entry=entry)
    return NotPossible(CHANGED, by=done.by) if done and done.by else NotPossible(GONE)


def _line(work: Work, zone: ZoneInfo) -> str:
    first, end = (local_text(minute, zone) for minute in (work.first, work.end))
    return f"{work.sensor}  {first}  {end}  {work.what}"


def _day(text: str, field: str = "day") -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Refused(NO_DATE, field) from error


def _new_day(text: str, field: str = "day") -> date:
    day = _day(text, field)
    if not FIRST_YEAR <= day.year < END_YEAR:
        raise Refused(OUT_OF_RANGE, field)
    return day


def _is_of(line: str, day: date) -> bool:
    """Whether a line names this holiday, however its date is written."""
    try:
        return [date.fromisoformat(word) for word in line.split()[:1]] == [day]
    except ValueError:
        return False


def _path(data: Path, name: str) -> Path:
    return data / CRITERIA_FOLDER / name


@contextmanager
def _changing(data: Path, by: Actor, name: str) -> Iterator[tuple[list[str], Store]]:
    """The lines of a file, and what stores others instead; only one process at a time."""
    path = _path(data, name)

    def store(lines: list[str], what: str, **values: Value) -> None:
        content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        if len(content) > MOST_BYTES:
            raise Refused(FULL)
        audit.record(data, *by, what, **values)
        files.replace(path, content)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.one_at_a_time(path.parent):
            yield lines_of(path) or [HEADS[name]], store
    except OSError as error:
        raise CalendarUnwritable(f"cannot change {path}: {error.strerror}") from error
