"""Reads a table of weather: CSV with a header, an hour or less a row. Whatever is doubtful refuses the whole file.

| column | meaning |
| --- | --- |
| `time` | start of the hour (or of a shorter step), local time of the zone, or with a UTC offset |
| `temperature_c` | °C |
| `rain_mm_h`, or `rain_mm` | mm/h; or mm that fell from this row to the next |
| `made_at` | when a forecast was made; without it all rows were made at one time |

The names of the Korea Meteorological Administration's files are understood too; they leave rain empty where none fell.
"""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np

from common.clock import FUTURE_S
from common.errors import HydrologError
from common.file_times import CellRefused, TimeForm
from common.refused import END_YEAR, FIRST_YEAR
from common.wall_clock import WallClock
from common.weather import AHEAD, KEPT, WeatherHour, known_from

NAMES = {
    "time": ("time", "일시"),
    "temperature_c": ("temperature_c", "기온(°c)", "기온(℃)"),
    "rain_mm_h": ("rain_mm_h",),
    "rain_mm": ("rain_mm", "강수량(mm)"),
    "made_at": ("made_at",),
}
DRY_IF_EMPTY = "강수량(mm)"
MOST_BYTES = 32 * 1024 * 1024  # ten years of ten-minute rows
LEAST_SHARE = 0.75  # of an hour's rows, as for flow and pressure


class WeatherRefused(HydrologError):
    """The file holds no weather that can be believed; nothing was taken."""

    exit_code = 2


@dataclass(frozen=True)
class _Row:
    line: int
    temperature_c: float | None
    rain: float | None
    time: str
    made_at: str


@dataclass(frozen=True)
class _Header:
    columns: dict[str, int]  # where each one stands
    width: int  # how many there are
    rain: str  # the name of its column; empty without one
    dry_if_empty: bool  # whether an empty cell there means no rain


@dataclass(frozen=True)
class WeatherTable:
    """The hours of a file.

    Attributes:
        skipped: rows at local times that spring leaves out.
    """

    hours: list[WeatherHour]
    skipped: int


def read_weather(path: Path, zone: tzinfo, made_at: datetime, now: datetime) -> WeatherTable:
    """The hours of a file, as `table_of`.

    Raises:
        WeatherRefused: names the file, the line and what is wrong.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        return table_of(raw, zone, made_at, now)
    except OSError as error:
        raise WeatherRefused(f"cannot read {path}: {error}") from error
    except WeatherRefused as error:
        raise WeatherRefused(f"{path}: {error}") from error


def table_of(raw: bytes, zone: tzinfo, made_at: datetime, now: datetime) -> WeatherTable:
    """The hours of a table. `zone`: of times without an offset; `made_at`: of forecasts, if the table does not say.

    Raises:
        WeatherRefused: names the line and what is wrong.
    """
    try:
        header, cells = _opened(raw)
        rows = [_row(header, line, row) for line, row in cells]
        clock = WallClock(zone)
        times, exist = _instants(clock, [(row.line, row.time) for row in rows])
        made = [made_at] * len(rows)
        if "made_at" in header.columns:
            made = _instants(WallClock(zone), [(row.line, row.made_at) for row in rows])[0]
        hours = _hours(rows, times, exist, made, summed=header.rain == "rain_mm")
    except (_Problem, csv.Error) as problem:
        raise WeatherRefused(str(problem)) from problem
    late = max(made, default=now)
    if late > now + timedelta(seconds=FUTURE_S):
        said = late.isoformat(timespec="minutes")
        raise WeatherRefused(f"made at {said}, which is to come; look at the clock of this box, and at the zone")
    return WeatherTable(hours, clock.skipped)


class _Problem(Exception):
    """What is wrong, with the line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")


def within(hours: list[WeatherHour], now: datetime) -> list[WeatherHour]:
    """The hours that are kept.

    Raises:
        WeatherRefused: none of them is.
    """
    first, last = now - KEPT, now + AHEAD
    kept = [hour for hour in hours if first <= hour.hour <= last]
    if not kept:
        raise WeatherRefused(
            f"none of its {len(hours)} hours is of the last {KEPT.days} days or the next {AHEAD.days}; "
            "are year and zone right?"
        )
    return kept


def _opened(raw: bytes) -> tuple[_Header, Iterator[tuple[int, list[str]]]]:
    """The header, and the rows with their line numbers."""
    if len(raw) > MOST_BYTES:
        raise _Problem(1, f"the file is larger than {MOST_BYTES // 2**20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp949", "replace")
    head = text.partition("\n")[0]
    separator = next((mark for mark in "\t;" if mark in head), ",")
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    return _header(next(table, [])), ((table.line_num, row) for row in table if row)


def _header(cells: list[str]) -> _Header:
    names = [name.strip().casefold() for name in cells]
    found = [(column, i) for column, known in NAMES.items() for i, name in enumerate(names) if name in known]
    columns = dict(found)
    if len(columns) < len(found):
        raise _Problem(1, "a column is there twice")
    rain = columns.keys() & {"rain_mm_h", "rain_mm"}
    if "time" not in columns or not rain | (columns.keys() & {"temperature_c"}):
        raise _Problem(1, "the header must name time, and temperature_c, rain_mm_h or rain_mm")
    if len(rain) == 2:
        raise _Problem(1, "it has both rain_mm_h and rain_mm; leave one of them")
    return _Header(columns, len(names), next(iter(rain), ""), DRY_IF_EMPTY in names)


def _row(header: _Header, line: int, cells: list[str]) -> _Row:
    if len(cells) != header.width:
        raise _Problem(line, f"{len(cells)} columns, the header has {header.width}; is the file cut short?")
    text = {name: cells[i].strip() for name, i in header.columns.items()}
    temperature, rain = (_number(line, text.get(name, "")) for name in ("temperature_c", header.rain))
    if rain is None and temperature is not None and header.dry_if_empty:
        rain = 0.0
    if problem := WeatherHour(datetime.min, datetime.min, temperature, rain).problem:
        raise _Problem(line, f"{problem}; leave a cell empty where there is no value")
    return _Row(line, temperature, rain, text["time"], text.get("made_at", ""))


def _number(line: int, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not text.isascii() or "_" in text:
        raise _Problem(line, f"{text[:40]!r} is no number")
    return value


def _instants(clock: WallClock, texts: list[tuple[int, str]]) -> tuple[list[datetime], list[bool]]:
    """The times of a column (line and text) as instants, and which of them exist."""
    form, read = TimeForm("iso"), []
    for line, text in texts:
        try:
            read += form.read([text])
            if not FIRST_YEAR <= int(text[:4]) < END_YEAR:
                raise CellRefused(text, "a year that cannot be computed with")
        except CellRefused as error:
            raise _Problem(line, f"{text[:40]!r} is no time like 2024-09-17 09:00 or 2024-09-17T09:00+09:00") from error
    at, exist = clock.utc(np.array(read, dtype=np.int64))
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return [start + timedelta(microseconds=int(us)) for us in at], exist.tolist()


def _hours(
    rows: list[_Row], times: list[datetime], exist: list[bool], made: list[datetime], *, summed: bool
) -> list[WeatherHour]:
    """The rows of each hour as one; an hour without most of its rows is not known."""
    parts: dict[tuple[datetime, datetime], dict[datetime, _Row]] = {}
    for row, time, there, made_at in zip(rows, times, exist, made, strict=True):
        if not there:
            continue
        hour = time.replace(minute=0, second=0, microsecond=0)
        part = parts.setdefault((hour, made_at), {})
        other = part.setdefault(time, row)
        if (other.temperature_c, other.rain) != (row.temperature_c, row.rain):
            raise _Problem(row.line, f"the time of line {other.line} again, with other values")
    most = max((len(part) for part in parts.values()), default=1)
    hours = []
    for (hour, made_at), part in parts.items():
        temperature = _mean([row.temperature_c for row in part.values()], most)
        rain = _mean([row.rain for row in part.values()], most)
        if rain is not None and summed:
            rain *= most
        if temperature is not None or rain is not None:
            hours.append(WeatherHour(known_from(hour, made_at), hour, temperature, rain))
    return hours


def _mean(values: list[float | None], most: int) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if len(there) >= LEAST_SHARE * most else None
