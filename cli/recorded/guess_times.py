"""Which form a file's times have. The order of day and month is only taken if the file itself settles it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from common.file_times import DAY_US, EXACT, CellRefused, TimeForm

_CLOCK = (
    r"(?P<clock>(?:(?:오전|오후|[AaPp]\.?[Mm]\.?)\s)?"
    r"(?:\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?(?:[AaPp]\.?[Mm]\.?))?"
    r"|\d{1,2}시(?: ?\d{1,2}분(?: ?\d{1,2}초)?)?))"
)
_KOREAN = re.compile(r"\d+([시분초])")
_OFFSET = r"(?P<offset>\s?(?:Z|[+-]\d\d:?\d\d))?"
_DATES = (
    (re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"), ("%Y{0}%m{0}%d",)),
    (re.compile(r"\d{4}()\. \d{1,2}\. \d{1,2}\."), ("%Y. %m. %d.",)),
    (re.compile(r"\d{4}()년 ?\d{1,2}월 ?\d{1,2}일"), ("%Y년 %m월 %d일", "%Y년%m월%d일")),
    (re.compile(r"(?:19|20)\d{6}()(?!\d)"), ("%Y%m%d",)),
    (re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{4}"), ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")),
    (re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d\d(?!\d)"), ("%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")),
    (re.compile(r"\d{1,2}([-/ .])[A-Za-z]{3}\1\d{4}"), ("%d{0}%b{0}%Y",)),
    (re.compile(r"\d{1,2}([-/ .])[A-Za-z]{3}\1\d\d(?!\d)"), ("%d{0}%b{0}%y",)),
)
_DIGITS = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M"}
# Numbers that are times only where nothing else in the row is one: a counter may look the same.
_NUMBERS = (
    (re.compile(r"(?:19[7-9]\d|20\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-4])"), "%Y%m%d%H"),
    (re.compile(r"1\d{9}(?:\.\d{1,6})?"), "unix"),  # from 2001 to 2033
    (re.compile(r"1\d{12}"), "unix-ms"),
)
CLOCK = re.compile(_CLOCK + _OFFSET)
_AFTER = re.compile(r"(?P<mark> |T|)" + _CLOCK + _OFFSET)


def is_date(text: str) -> bool:
    """Whether a text is a date, perhaps with midnight as Excel adds it."""
    cut = re.sub(r"[ T]00:00(:00)?$", "", text.strip())
    return any(pattern.fullmatch(cut) for pattern, _ in _DATES)


def is_time(text: str) -> bool:
    """Whether a text is a date with a time of day."""
    return not is_number_of_time(text) and bool(forms(text.strip(), ""))


def is_number_of_time(text: str) -> bool:
    """Whether a text is a number that may be a time."""
    return any(pattern.fullmatch(text.strip()) for pattern, _ in _NUMBERS)


def forms(text: str, clock: str) -> list[str]:
    """The forms that a first time may have; `clock` is its time of day, if that has a column of its own."""
    if not clock and text.isascii() and text.isdigit() and len(text) in _DIGITS and text[:2] in ("19", "20"):
        return [_DIGITS[len(text)]]
    if not clock and text.isascii():
        found = [form for pattern, form in _NUMBERS if pattern.fullmatch(text)]
        if found:
            return found[:1]
    for pattern, dates in _DATES:
        if match := pattern.match(text):
            rest = text[match.end() :] if not clock else f" {clock}"
            after = _AFTER.fullmatch(rest)
            if after is None:
                continue
            mark = next((group for group in match.groups() if group is not None and not group.isdigit()), "")
            tail = after["mark"] + _clock_form(after["clock"]) + ("%z" if after["offset"] else "")
            found = [date.format(mark) + tail for date in dates]
            iso = re.match(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:|Z|[ +-]|$)", text if not clock else f"{text} {clock}")
            return ["iso", *found] if iso and "%I" not in tail else found
    return []


def _clock_form(text: str) -> str:
    seconds = ":%S" if text.count(":") == 2 else ""
    fraction = "" if not (match := re.search(r"([.,])\d+\b", text)) else f"{match[1]}%f"
    if "시" in text:
        hour = "%I" if text.startswith("오") else "%H"
        form = _KOREAN.sub(lambda found: {"시": hour, "분": "%M", "초": "%S"}[found[1]] + found[1], text)
        return re.sub(r"오[전후]", "%p", form)
    if not re.search(r"[AaPp]\.?[Mm]|오", text):
        return f"%H:%M{seconds}{fraction}"
    clock = f"%I:%M{seconds}{fraction}"
    if not text[0].isdigit():
        return f"%p {clock}"
    return f"{clock} %p" if " " in text else f"{clock}%p"


@dataclass
class _Candidate:
    form: str
    reader: TimeForm
    problem: tuple[int, str] | None = None  # the first row that is no such time, and its text
    directions: set[bool] = field(default_factory=set)
    last: int | None = None


def settle(candidates: list[str], times: Iterable[tuple[int, str, str | None]]) -> tuple[str | None, str]:
    """The one form of all times, or None and the reason.

    Args:
        candidates: forms that the first time may have.
        times: row number, time (or date) and time of day of each row.
    """
    alive = [_Candidate(form, TimeForm(form)) for form in candidates]
    several = len({_order(form) for form in candidates}) > 1
    row, text = 0, ""
    for number, day, clock in times:
        row, text = number, day if clock is None else f"{day} {clock}"
        still = [one for one in alive if _takes(one, day, clock)]
        if not still:
            return None, f"row {row}: {text!r} is not a time of the form {alive[0].form} like those before"
        alive = still
    orders = {_order(one.form) for one in alive}
    if len(orders) > 1 or (several and len(alive[0].directions) > 1):
        choices = (
            " or ".join(f'time = "{one.form}"' for one in alive) if len(orders) > 1 else f'time = "{alive[0].form}"'
        )
        return None, f"the order of day and month is not certain ({text!r}); write {choices}"
    return alive[0].form, ""


def _takes(one: _Candidate, day: str, clock: str | None) -> bool:
    try:
        (time,) = one.reader.read([day]) if clock is None else one.reader.read_apart([day], [clock])
    except CellRefused:
        return False
    at = (time - EXACT if time > EXACT // 2 else time) // DAY_US
    if one.last is not None and at != one.last:
        one.directions.add(at > one.last)
    one.last = at
    return True


def _order(form: str) -> str:
    return "Ymd" if form == "iso" else "".join(re.findall(r"%([Yymdb])", form)).replace("b", "m").replace("y", "Y")
