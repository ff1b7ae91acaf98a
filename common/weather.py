"""`weather.csv`: temperature and rain at the site, hour by hour, and since when each was known.

A line is what was known of an hour (UTC) at a time: measured, once the hour was over, or forecast before. So whoever
learns from the past sees what was known then, and no more. A value that is not known is empty.

People (`hydrolog weather`), the group "server" and the forecaster, which asks the source of the settings, write the
file, one at a time; the forecaster reads it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common import files
from common.folder import WEATHER_FILE
from common.logging_setup import quoted
from common.refused import END_YEAR, FIRST_YEAR

HEADER = "made_at,hour,temperature_c,rain_mm_h"
COLDEST_C, HOTTEST_C = -60.0, 60.0
MOST_RAIN_MM_H = 400.0  # more than has ever been measured in an hour
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KEPT = timedelta(days=400)  # the training looks back a year, and its usual weather a month further
FORECASTS_KEPT = timedelta(days=35)  # beside what was measured later: as long as a training judges itself
AHEAD = timedelta(days=8)  # the longest forecast of water use is a week
MOST_BYTES = 8 * 1024 * 1024  # of a file; the largest that is written has 20,000 lines of 50 bytes

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WeatherHour:
    """What was known of an hour. Times aware; temperature in °C, rain in mm/h, None = not known."""

    made_at: datetime
    hour: datetime  # its start
    temperature_c: float | None
    rain_mm_h: float | None

    @property
    def days_before(self) -> int:
        """How many days before the end of the hour this was known, rounded up; 0: measured."""
        return max(0, math.ceil((self.hour + HOUR - self.made_at) / DAY))

    @property
    def problem(self) -> str:
        """What cannot be true; empty if nothing is."""
        for value, least, most, unit in (
            (self.temperature_c, COLDEST_C, HOTTEST_C, "°C"),
            (self.rain_mm_h, 0.0, MOST_RAIN_MM_H, "mm/h"),
        ):
            if value is not None and not least <= value <= most:
                return f"{value:g} {unit} is not between {least:g} and {most:g}"
        return ""


def is_time(time: datetime) -> bool:
    """Whether a time is aware, and of a year that can be computed with."""
    return time.tzinfo is not None and FIRST_YEAR <= time.year < END_YEAR


def known_from(hour: datetime, made_at: datetime) -> datetime:
    """Since when the value of an hour counts as known that came at `made_at`: a measured one since the hour's end."""
    return min(made_at, hour + HOUR)


def add(data: Path, new: Iterable[WeatherHour], now: datetime, *, wait: bool = True) -> int:
    """Add to the file what is new, and drop what is old or beyond the longest forecast; the number of hours added or
    changed. What is known of an hour since the same day is replaced by what was known later.

    Raises:
        OSError: the file cannot be written; it stays as it was. Without `wait` also if somebody else is at it."""
    with files.one_at_a_time(data, wait=wait):
        before = read(data)
        kept = _kept([*before, *map(_as_written, new)], now)
        if kept != before:
            files.replace(data / WEATHER_FILE, _text(kept).encode())
    return len(set(kept) - set(before))


def read(data: Path) -> list[WeatherHour]:
    """The file's lines, by hour and by when they were known; empty without a file. A damaged line is left out."""
    path = data / WEATHER_FILE
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("weather_unreadable problem=%s", quoted(error))
        return []
    lines = raw[:MOST_BYTES].decode("utf-8", "replace").splitlines()
    found = [_line(text.split(",")) for text in lines[1:]]
    good = [line for line in found if line is not None]
    if len(good) < len(found) or lines[:1] != [HEADER] or len(raw) > MOST_BYTES:
        _log.warning("weather_damaged lines=%d unreadable=%d", len(found), len(found) - len(good))
    return good


def clear(data: Path) -> bool:
    """Forget all weather; whether there was any.

    Raises:
        OSError: the file cannot be removed."""
    with files.one_at_a_time(data):
        there = (data / WEATHER_FILE).exists()
        (data / WEATHER_FILE).unlink(missing_ok=True)
        return there


def _kept(lines: Sequence[WeatherHour], now: datetime) -> list[WeatherHour]:
    # By the newest line if that is older than now: a clock that jumped ahead must not delete a year.
    now = min(now, max((line.made_at for line in lines), default=now))
    best: dict[tuple[datetime, int], WeatherHour] = {}
    for line in lines:
        key = line.hour, line.days_before
        if key not in best or line.made_at >= best[key].made_at:
            best[key] = line
    newest: dict[datetime, int] = {}
    for hour, days in best:
        newest[hour] = min(days, newest.get(hour, days))
    old = now - FORECASTS_KEPT
    return [
        best[hour, days]
        for hour, days in sorted(best, key=lambda key: (key[0], -key[1]))
        if now - KEPT <= hour <= now + AHEAD and (hour >= old or days == newest[hour])
    ]


def _as_written(line: WeatherHour) -> WeatherHour:
    """A line as it comes back from the file: whole seconds, two decimals."""
    made_at, hour = (time.astimezone(UTC).replace(microsecond=0) for time in (line.made_at, line.hour))
    numbers = (None if value is None else round(value, 2) for value in (line.temperature_c, line.rain_mm_h))
    return WeatherHour(made_at, hour, *numbers)


def _text(lines: Iterable[WeatherHour]) -> str:
    rows = (
        f"{_time(line.made_at)},{_time(line.hour)},{_number(line.temperature_c)},{_number(line.rain_mm_h)}"
        for line in lines
    )
    return "\n".join([HEADER, *rows]) + "\n"


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _line(cells: list[str]) -> WeatherHour | None:
    try:
        made_at, hour, temperature, rain = cells
        times = [datetime.fromisoformat(made_at), datetime.fromisoformat(hour)]
        line = WeatherHour(times[0], times[1], *(float(cell) if cell else None for cell in (temperature, rain)))
    except ValueError:
        return None
    return line if all(map(is_time, times)) and not line.problem else None
