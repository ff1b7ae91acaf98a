"""What a file of recorded values looks like: a small TOML file, in the manner of `[line.format]`."""

import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from common.errors import SettingsError
from common.settings_checks import between, key, one_of, time_zone
from common.settings_tables import read_table
from common.time_text import UNIX, keeps_hours
from common.toml_text import read_toml
from common.units import FLOW_MEASURES, PRESSURE_MEASURES, VOLUME_MEASURES

NO_VALUE = (
    *("", "-", "--", "---", "----", "nan", "-nan", "null", "none", "n/a", "na", "#n/a", "#na", "inf", "-inf"),
    *("#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"),  # of a spreadsheet's formula
)
TOTALS = (
    *("total", "sum", "average", "mean", "minimum", "maximum"),
    *(
        "합계",
        "총계",
        "소계",
        "누계",
        "일계",
        "월계",
        "평균",
        "평균값",
        "최대",
        "최대값",
        "최댓값",
        "최소",
        "최소값",
        "최솟값",
    ),
)
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):?([0-5]\d)", re.ASCII)


def _encoding(value: str) -> str | None:
    try:
        "a".encode(value).decode(value)  # other codecs than those of text are no encoding
    except (LookupError, ValueError):
        return f'must be an encoding like "utf-8", "utf-16", "cp949" or "latin-1", is {value!r}'
    return None


def _one_character(value: str) -> str | None:
    return None if len(value) == 1 and value not in '"\r\n' else f'must be one character like ";", is {value!r}'


def _time_form(value: str) -> str | None:
    if keeps_hours(value):
        return None
    return f'must be "iso", "unix", "unix-ms", or a form like "%d/%m/%Y %H:%M" with date and time, is {value!r}'


def zone_problem(value: str) -> str | None:
    """What is wrong with the name of a zone or an offset; None if nothing is."""
    return None if value in ("", "UTC") or _OFFSET.fullmatch(value) else time_zone(value)


@dataclass(frozen=True)
class Description:
    """A table of values. A column is named as in the header, or by its number from 1."""

    encoding: str = key("utf-8-sig", _encoding)
    separator: str = key(",", _one_character)
    decimal: str = key(".", one_of(".", ","))
    thousands: str = key("", one_of("", ".", ",", " ", "'"))
    sheet: str = key("")  # of a workbook; empty: the first one
    header_row: int = key(1, between(0, 1000))  # the row with the columns' names; 0: there is none
    first_row: int = key(2, between(1, 1000))  # the first row with values
    skip: tuple[str, ...] = key([])  # rows that begin with such a word, or one of TOTALS, are not read
    time: str = key("iso", _time_form)  # or unix, unix-ms, or a strptime form
    zone: str = key("", zone_problem)  # empty: the site's
    stamp: str = key("start", one_of("start", "end"))  # a row's time: of its step's start or end
    time_column: str = key("time")
    clock_column: str = key("")  # if the time of day has a column of its own
    flow_column: str = key("")
    flow_measure: str = key("m3/h", one_of(*FLOW_MEASURES))
    pressure_column: str = key("")
    pressure_measure: str = key("bar", one_of(*PRESSURE_MEASURES))
    total_column: str = key("")  # a counter, instead of a flow
    total_measure: str = key("m3", one_of(*VOLUME_MEASURES))
    most_m3h: float = key(10_000.0, between(0.001, 1e6))  # a counter that changes faster was set or exchanged
    quality_column: str = key("")
    good: tuple[str, ...] = key([])  # the quality of values that count
    no_value: tuple[str, ...] = key([])  # texts and numbers that mean "no value", besides NO_VALUE


PLAIN = Description(flow_column="flow", pressure_column="pressure")
PLAIN_HEADER = ("time", "flow", "pressure")


def read_description(path: Path) -> Description:
    """The description in a TOML file.

    Raises:
        SettingsError: names the file and the key.
    """
    try:
        raw = read_toml(path)
    except OSError as error:
        raise SettingsError("--describe", f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError("--describe", f"{path} {error}") from error
    found: Description = read_table(str(path), Description, raw)
    if problem := _contradiction(found):
        raise SettingsError(str(path), problem)
    return found


def _contradiction(found: Description) -> str | None:
    flow, pressure, total = found.flow_column, found.pressure_column, found.total_column
    names = 'write flow_column = "…", pressure_column = "…" or total_column = "…"'
    problems = [
        (not (flow or pressure or total), f"names no column with values: {names}"),
        (flow and total, "has flow_column and total_column: keep one, the flow comes from it"),
        (total and found.stamp == "end", 'stamp = "end" is not for a counter, which is read at one moment; remove it'),
        (
            bool(found.quality_column) != bool(found.good),
            'quality_column and good belong together: write good = ["…"], the quality of values that count',
        ),
        (
            found.clock_column and found.time in UNIX,
            f'clock_column is not for time = "{found.time}", which has the time of day in it; remove it',
        ),
        (found.thousands == found.decimal, f"thousands and decimal are both {found.decimal!r}"),
        (
            found.first_row <= found.header_row,
            f"first_row = {found.first_row} must come after header_row = {found.header_row}",
        ),
    ]
    return next((text for wrong, text in problems if wrong), None)


def to_toml(description: Description) -> str:
    """The keys that differ from their default, one a line."""
    plain = Description()
    lines = []
    for one in fields(Description):
        value = getattr(description, one.name)
        if value != getattr(plain, one.name) or one.name in ("time", "time_column"):
            lines.append(f"{one.name} = {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines).replace("\x7f", "\\u007f")


def zone_of(description: Description, site: ZoneInfo) -> tzinfo:
    """The zone of the file's times."""
    return zone_named(description.zone, site)


def zone_named(text: str, site: ZoneInfo) -> tzinfo:
    """The zone that a text names, which has been checked; the site's for none."""
    if not text:
        return site
    if match := _OFFSET.fullmatch(text):
        minutes = int(match[2]) * 60 + int(match[3])
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    return UTC if text == "UTC" else ZoneInfo(text)
