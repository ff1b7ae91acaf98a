"""Reads the texts of times by one form.

A date and a time of day repeat much more often than their pairs, so each is parsed once and remembered.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from common.memo import Memo
from common.time_text import UNIX, parsed, unix_us

EXACT = 1 << 60  # added to a time that has a UTC offset of its own: it is exact
DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ISO_CLOCK = re.compile(
    r"[ T]?(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00)?(\.0+)?$", re.ASCII)
_DATE_LETTERS, _CLOCK_LETTERS = set("YymdbBjaA"), set("HIMSfpz")


class CellRefused(Exception):
    """A cell's text does not mean what its column should hold; the reader adds file, row and column."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(problem)
        self.text = text
        self.problem = problem


class TimeForm:
    """Texts to microseconds since 1970 by the file's clock; `EXACT` is added if the text has a UTC offset."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._parts = None if form == "iso" else _split(form)
        self._days = Memo(self._day)
        self._clocks = Memo(self._clock)
        self._wholes = Memo(self._whole)

    def read(self, texts: Sequence[str]) -> list[int]:
        """The times of a column.

        Raises:
            CellRefused: the first text that is no time of this form.
        """
        if self._form == "iso":
            days, clocks = self._days, self._clocks
            return [days[text[:10]] + clocks[text[10:]] for text in texts]
        if self._parts is None:
            return [self._wholes[text] for text in texts]
        days, clocks, mark = self._days, self._clocks, self._parts[1]
        pairs = [text.partition(mark) for text in texts]
        return [days[day] + clocks[clock] for day, _, clock in pairs]

    def read_apart(self, days: Sequence[str], clocks: Sequence[str]) -> list[int]:
        """The times of a column with dates and one with times of day."""
        if self._form != "iso" and self._parts is None:
            pairs = zip(days, clocks, strict=True)
            return [self._wholes[f"{_MIDNIGHT.sub('', day)} {clock}"] for day, clock in pairs]
        return [self._days[day] + self._clocks[clock] for day, clock in zip(days, clocks, strict=True)]

    def _day(self, text: str) -> int:
        cut = _MIDNIGHT.sub("", text.strip())
        if self._form == "iso":
            if not _ISO_DATE.fullmatch(cut):
                raise CellRefused(text, "")
            return _microseconds(self._strptime(cut, "%Y-%m-%d", text))
        assert self._parts is not None
        return _microseconds(self._strptime(cut, self._parts[0], text))

    def _clock(self, text: str) -> int:
        if self._form == "iso":
            return _iso_clock(text)
        assert self._parts is not None
        return self._of_form(text, text.strip(), self._parts[2], "1970-01-01 ")

    def _whole(self, text: str) -> int:
        if self._form in UNIX:
            try:
                return unix_us(text.strip(), self._form) + EXACT
            except ValueError as error:
                raise CellRefused(text, "") from error
        return self._of_form(text, text.strip(), self._form, "")

    def _of_form(self, text: str, cut: str, form: str, date: str) -> int:
        return _microseconds(self._strptime(date + cut, f"%Y-%m-%d {form}" if date else form, text))

    def _strptime(self, cut: str, form: str, text: str) -> datetime:
        try:
            return parsed(cut, form)
        except ValueError as error:
            raise CellRefused(text, "") from error


def _iso_clock(text: str) -> int:
    match = _ISO_CLOCK.fullmatch(text.rstrip())
    if match is None:
        raise CellRefused(text, "")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((match[4] or "0")[:6].ljust(6, "0"))
    if hour > 24 or minute > 59 or second > 59 or us > DAY_US:
        raise CellRefused(text, "")
    offset = match[5]
    if not offset:
        return us
    if offset in "Zz":
        return us + EXACT
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 24 * 60:
        raise CellRefused(text, "")
    return us + EXACT - (minutes if offset[0] == "+" else -minutes) * 60_000_000


def _microseconds(time: datetime) -> int:
    offset = time.utcoffset()
    local = (time.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
    return local if offset is None else local - offset // _MICROSECOND + EXACT


def _split(form: str) -> tuple[str, str, str] | None:
    """A form's date, the mark after it and its time of day; None if they cannot be told apart by the first mark."""
    for mark in (" ", "T"):
        date, found, clock = form.partition(mark)
        if found and set(_letters(date)) <= _DATE_LETTERS and set(_letters(clock)) <= _CLOCK_LETTERS:
            return date, mark, clock
    return None


def _letters(form: str) -> list[str]:
    return re.findall(r"%(.)", form)
