"""Planned work and holidays: text files in the folder `criteria/` of the data folder.

    planned.txt     one work per line: sensor (or "all"), start, end, description; local times
                        001  2024-09-17 09:00  2024-09-17 12:30  flushing, North Street
                        all  2024-10-02 22:00  2024-10-03 04:00  pump test
    holidays.txt    one date per line, optionally followed by a name; treated as Sundays
                        2024-09-17  Chuseok
    holidays.country.txt    the same, of the site's country; written by nightflow (`country_days`)
    school.txt      school holidays, for people to read; see `outliers.school`

Empty lines and lines that start with "#" are ignored. A line that cannot be read is reported; the others are used.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from common import files
from common.clock import minute_of
from common.folder import CRITERIA_FOLDER
from common.loggers import NO_LOGGERS, Loggers
from common.messages import message
from common.refused import Refused
from common.row import SENSOR_ID
from common.zones import NO_ZONES, Zones, zones_of
from outliers import school
from outliers.calendar_lines import LONGEST_WHAT, WrongLine, name_in, parsed
from outliers.school import SCHOOL, SchoolHoliday

PLANNED, HOLIDAYS, COUNTRY_HOLIDAYS = "planned.txt", "holidays.txt", "holidays.country.txt"
ALL = "all"
MOST_DAYS = 31  # the longest work: a longer one is the normal state, or a wrong year
FIRST_YEAR, END_YEAR = 2000, 2200

NO_SENSOR = message("This is neither a sensor id nor all.")
NO_WHAT = message("It needs a description of at most {count} printable characters.")
OUT_OF_RANGE = message("The date is out of range.")
NOT_AFTER = message("The end is not after the beginning.")
TOO_LONG = message("It is longer than {days} days.")

_WORK = re.compile(
    r"(?P<sensor>\S+)\s+(?P<day>\d{4}-\d\d-\d\d)[T ]+(?P<time>\d\d?:\d\d)\s+(?:(?:to|-)\s+)?"
    r"(?:(?P<end_day>\d{4}-\d\d-\d\d)[T ]+)?(?P<end_time>\d\d?:\d\d)\s+(?P<what>\S.*)"
)


@dataclass(frozen=True, slots=True)
class Work:
    """Planned work at one sensor or at all sensors.

    Attributes:
        sensor: its id, or "all".
        first, end: UTC unix minutes; `end` is the first minute after it.
        what: the operator's description.
        line: line number in the file, from 1.
    """

    sensor: str
    first: int
    end: int
    what: str
    line: int = 0

    def at(self, sensor: str) -> bool:
        """Whether it concerns this sensor."""
        return self.sensor in (ALL, sensor)


@dataclass(frozen=True, slots=True)
class Occasions:
    """The content of the files. `problems` lists the lines that could not be read."""

    works: tuple[Work, ...] = ()
    holidays: frozenset[date] = frozenset()
    school: tuple[SchoolHoliday, ...] = ()
    problems: tuple[str, ...] = field(default=())

    def at(self, sensor: str) -> list[Work]:
        """The works at one sensor, oldest first."""
        return sorted((work for work in self.works if work.at(sensor)), key=lambda work: work.first)


def load(data: Path, zone: ZoneInfo, zones: Zones = NO_ZONES, loggers: Loggers = NO_LOGGERS) -> Occasions:
    """Read the files of a data folder; a missing file counts as empty.

    A work at a meter is one at its `zones`, too, and one in a zone is one at its `loggers`.
    """
    works, wrong_works = planned(data / CRITERIA_FOLDER / PLANNED, zone)
    works += tuple(replace(work, sensor=near.name) for work in works for near in zones_of(work.sensor, zones))
    inside = [(work, loggers[work.sensor]) for work in works if work.sensor in loggers]
    works += tuple(replace(work, sensor=logger) for work, area in inside for logger in area.loggers)
    holidays, wrong_dates = holidays_of(data / CRITERIA_FOLDER / HOLIDAYS)
    of_country, wrong_lines = holidays_of(data / CRITERIA_FOLDER / COUNTRY_HOLIDAYS)
    schools, wrong_spans = school.holidays_in(data / CRITERIA_FOLDER / SCHOOL)
    problems = (*wrong_works, *wrong_dates, *wrong_lines, *wrong_spans)
    return Occasions(works, holidays | of_country, schools, problems)


def stamp(data: Path) -> tuple[files.Stamp | None, ...]:
    """A value that changes when one of the files changes."""
    return tuple(files.stamp(path) for path in _paths(data))


@lru_cache(maxsize=8)
def _paths(data: Path) -> tuple[Path, ...]:
    """Cached, because `stamp` is called every minute."""
    return tuple(data / CRITERIA_FOLDER / name for name in (PLANNED, HOLIDAYS, COUNTRY_HOLIDAYS, SCHOOL))


class CalendarFile:
    """The files of a data folder, read again when one of them has changed."""

    def __init__(self, data: Path, zone: ZoneInfo, zones: Zones = NO_ZONES, loggers: Loggers = NO_LOGGERS) -> None:
        self._data, self._zone, self._zones, self._loggers = data, zone, zones, loggers
        self._seen: tuple[files.Stamp | None, ...] | None = None
        self._known = Occasions()

    def now(self) -> Occasions:
        """The current content; the same object until a file changes."""
        seen = stamp(self._data)
        if seen != self._seen:
            self._known, self._seen = load(self._data, self._zone, self._zones, self._loggers), seen
        return self._known


def planned(path: Path, zone: ZoneInfo) -> tuple[tuple[Work, ...], tuple[str, ...]]:
    """The works in a file, and the problems of its other lines."""
    works, problems = parsed(path, lambda text, line: _work(text, line, zone))
    return tuple(works), tuple(problems)


def holidays_of(path: Path) -> tuple[frozenset[date], tuple[str, ...]]:
    """The dates in a file, and the problems of its other lines."""
    named, problems = named_holidays(path)
    return frozenset(named), problems


def named_holidays(path: Path) -> tuple[dict[date, str], tuple[str, ...]]:
    """The dates in a file with their names, which may be empty, and the problems of its other lines."""
    days, problems = parsed(path, lambda text, _: _holiday(text))
    return dict(days), tuple(problems)


def _work(text: str, line: int, zone: ZoneInfo) -> Work:
    match = _WORK.fullmatch(text)
    if not match:
        raise WrongLine("must be SENSOR YYYY-MM-DD HH:MM YYYY-MM-DD HH:MM WHAT")
    return work(match["sensor"], moment(match["day"], match["time"]), _end(match), match["what"], zone, line=line)


def _end(match: re.Match[str]) -> datetime:
    return moment(match["end_day"] or match["day"], match["end_time"])


def moment(day: str, time: str) -> datetime:
    """A local time, without zone.

    Raises:
        ValueError: there is no such date or time.
    """
    return datetime.fromisoformat(f"{day}T{time.zfill(5)}")


def work(sensor: str, first: datetime, end: datetime, what: str, zone: ZoneInfo, *, line: int = 0) -> Work:
    """A validated work. Times are local; a repeated or skipped hour belongs to the work.

    Raises:
        Refused: says what is wrong, and in which part.
    """
    if not SENSOR_ID.fullmatch(sensor):
        raise Refused(NO_SENSOR, "sensor")
    what = " ".join(what.split())
    if not what or len(what) > LONGEST_WHAT or not what.isprintable():
        raise Refused(NO_WHAT, "what", count=LONGEST_WHAT)
    for field_, moment in (("first", first), ("end", end)):
        if not FIRST_YEAR <= moment.year < END_YEAR:
            raise Refused(OUT_OF_RANGE, field_)
    begins, ends = min(_utc_minutes(first, zone)), max(_utc_minutes(end, zone))
    if ends <= begins:
        raise Refused(NOT_AFTER, "end")
    if ends - begins > MOST_DAYS * 1440:
        raise Refused(TOO_LONG, "end", days=MOST_DAYS)
    return Work(sensor, begins, ends, what, line)


def _utc_minutes(local: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """Two different minutes if the local time is repeated or skipped by a clock change."""
    return minute_of(local.replace(tzinfo=zone, fold=0)), minute_of(local.replace(tzinfo=zone, fold=1))


def _holiday(text: str) -> tuple[date, str]:
    day, *name = text.split()
    try:
        return date.fromisoformat(day), name_in(" ".join(name))
    except ValueError as error:
        raise WrongLine("must be a date, YYYY-MM-DD") from error


def spans(works: Iterable[Work], first: int, end: int) -> list[tuple[int, int]]:
    """The parts of the works within minutes `first` to before `end`."""
    return [(max(first, work.first), min(end, work.end)) for work in works if work.first < end and work.end > first]
