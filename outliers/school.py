"""School holidays: `criteria/school.txt`, one a line, its first and its last day and its name.

    2024-07-22  2024-08-16  summer

They are for people: a finding that begins in them says so. Nothing is expected otherwise because of them: the level
follows within days, and to take these days for another kind of day was measured to find less.
"""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from common.clock import minute_start
from common.messages import message
from common.refused import Refused
from outliers.calendar_lines import WrongLine, name_in, parsed
from outliers.findings import RAISE, Finding, Note

SCHOOL = "school.txt"
MOST_DAYS = 130  # the longest summer of any country, and two weeks

NOT_AFTER = message("The last day is before the first.")
TOO_LONG = message("It is longer than {days} days.")

_LINE = re.compile(r"(?P<first>\S+)\s+(?:(?:to|-|~)\s+)?(?P<last>\d\S+)(?:\s+(?P<name>.*))?")


class SchoolHoliday(NamedTuple):
    """One of them, with both days in it; the name may be empty."""

    first: date
    last: date
    name: str = ""


def holidays_in(path: Path) -> tuple[tuple[SchoolHoliday, ...], tuple[str, ...]]:
    """Those of a file, oldest first, and the problems of its other lines."""
    found, problems = parsed(path, lambda text, _: _read(text))
    return tuple(sorted(found)), tuple(problems)


def checked(first: date, last: date, name: str) -> SchoolHoliday:
    """A school holiday that can be.

    Raises:
        Refused: says what is wrong, and in which part.
    """
    if last < first:
        raise Refused(NOT_AFTER, "school_last")
    if (last - first).days >= MOST_DAYS:
        raise Refused(TOO_LONG, "school_last", days=MOST_DAYS)
    return SchoolHoliday(first, last, name)


def noted(findings: Iterable[Finding], school: Iterable[SchoolHoliday], zone: ZoneInfo) -> tuple[Finding, ...]:
    """The findings; those about the use of water that begin in a school holiday say so."""
    return tuple(
        replace(finding, notes=[*finding.notes, Note.SCHOOL_HOLIDAY])
        if finding.state == RAISE and finding.method != "SYSTEM" and _holds(school, finding.since, zone)
        else finding
        for finding in findings
    )


def _holds(school: Iterable[SchoolHoliday], minute: int, zone: ZoneInfo) -> bool:
    day = minute_start(minute).astimezone(zone).date()
    return any(each.first <= day <= each.last for each in school)


def last_of(line: str) -> date | None:
    """The last day in a line; None if it cannot be read."""
    try:
        return _read(line.strip()).last
    except (ValueError, Refused):
        return None


def _read(text: str) -> SchoolHoliday:
    match = _LINE.fullmatch(text)
    if not match:
        raise WrongLine("must be YYYY-MM-DD YYYY-MM-DD NAME")
    return checked(date.fromisoformat(match["first"]), date.fromisoformat(match["last"]), name_in(match["name"] or ""))
