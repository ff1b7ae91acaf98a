"""Forms of times, as settings and descriptions of files name them: "iso", counts since 1970, and those of strptime.

Those of strptime also read what it does not know: 24:00, and Korean half days.
"""

import re
from datetime import UTC, datetime, timedelta

_HALVES = (("오전", "AM"), ("오후", "PM"), ("a.m.", "AM"), ("p.m.", "PM"))
_LAST_HOUR = timedelta(hours=23)
_SAMPLE = datetime(2017, 11, 23, 13, 47, tzinfo=UTC)
_YEAR = re.compile(r"%[YyGcxD+]")
# Times that are a number since 1970, UTC: the text of one, and microseconds of its unit.
UNIX = {
    "unix": (re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,6}))?"), 1_000_000),
    "unix-ms": (re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,3}))?"), 1_000),
}


def keeps_hours(form: str) -> bool:
    """Whether a form's times have a date and an hour, and perhaps no minute."""
    return _keeps(form, _SAMPLE.replace(minute=0))


def keeps_minutes(form: str) -> bool:
    """Whether a form's times have a date, an hour and a minute."""
    return _keeps(form, _SAMPLE)


def _keeps(form: str, sample: datetime) -> bool:
    if form == "iso" or form in UNIX:
        return True
    if not _YEAR.search(form):  # Python guesses a year where there is none, and warns
        return False
    try:
        return datetime.strptime(sample.strftime(form), form).replace(tzinfo=UTC) == sample
    except ValueError:
        return False


def unix_us(text: str, form: str) -> int:
    """The microseconds since 1970 that a text says; `form` is one of UNIX.

    Raises:
        ValueError: it is no such number.
    """
    pattern, unit_us = UNIX[form]
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError("no time since 1970")
    return int(match[1]) * unit_us + int((match[2] or "").ljust(len(str(unit_us)) - 1, "0"))


def parsed(text: str, form: str) -> datetime:
    """The time that a text says in a form of strptime; 24:00 is the end of its day.

    Raises:
        ValueError: it is no time of this form.
    """
    if "%p" in form:
        for word, english in _HALVES:
            text = text.replace(word, english)
    try:
        return datetime.strptime(text, form)
    except ValueError:
        if "%H" not in form or (midnight := _start_of_day(text, form)) is None:
            raise
    try:
        return midnight + timedelta(days=1)
    except OverflowError as error:
        raise ValueError("behind the last year") from error


def _start_of_day(text: str, form: str) -> datetime | None:
    """The time with 0 in place of the hour 24; None if no 24 in it is the hour, or it is later than 24:00."""
    place = -1
    while (place := text.find("24", place + 1)) >= 0:
        before, behind = text[:place], text[place + 2 :]
        try:
            midnight, last = (datetime.strptime(f"{before}{hour}{behind}", form) for hour in ("00", "23"))
        except ValueError:
            continue
        if last - midnight == _LAST_HOUR and not any((midnight.minute, midnight.second, midnight.microsecond)):
            return midnight
    return None
