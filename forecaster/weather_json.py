"""Reads hours of weather from JSON as public services give it: arrays by the hour.

    {"utc_offset_seconds": 32400,
     "hourly_units": {"temperature_2m": "°C", "precipitation": "mm"},
     "hourly": {"time": ["2024-08-26T10:00", …], "temperature_2m": [29.4, null, …], "precipitation": [0.0, …]}}

`precipitation` is what fell in the hour before its time. Times without an offset need `utc_offset_seconds`; numbers are
seconds since 1970. Whatever is doubtful refuses the whole answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from common import state_file
from common.logging_setup import quoted
from common.state_file import StateUnusable
from common.weather import HOUR, WeatherHour, is_time, known_from
from forecaster.weather_table import WeatherRefused

MOST_OFFSET_S = 14 * 3600
CELSIUS, MILLIMETRES = ("°C", "℃", "C"), ("mm",)


@dataclass(frozen=True)
class _Units:
    temperature_2m: str = CELSIUS[0]
    precipitation: str = MILLIMETRES[0]


@dataclass(frozen=True)
class _Hourly:
    time: list[str | int]
    temperature_2m: list[float | None] | None = None
    precipitation: list[float | None] | None = None


@dataclass(frozen=True)
class _Answer:
    hourly: _Hourly
    hourly_units: _Units = field(default_factory=_Units)
    utc_offset_seconds: int | None = None


def hours_of_arrays(raw: bytes, now: datetime) -> list[WeatherHour]:
    """The hours of an answer that came now.

    Raises:
        WeatherRefused: says what is wrong.
    """
    try:
        said = state_file.parse(raw, _Answer)
    except StateUnusable as error:
        raise WeatherRefused(f"its JSON is not as described: {quoted(str(error))}") from error
    _check_units(said.hourly_units)
    times = [_time(text, said.utc_offset_seconds) for text in said.hourly.time]
    temperatures = _by_hour("temperature_2m", times, said.hourly.temperature_2m)
    rains = _by_hour("precipitation", [time - HOUR for time in times], said.hourly.precipitation)
    if not temperatures and not rains:
        raise WeatherRefused("it has neither temperature_2m nor precipitation; write them into weather.url")
    return list(_hours(temperatures, rains, now))


def _hours(temperatures: dict[datetime, float], rains: dict[datetime, float], now: datetime) -> Iterator[WeatherHour]:
    for hour in sorted({*temperatures, *rains}):
        line = WeatherHour(known_from(hour, now), hour, temperatures.get(hour), rains.get(hour))
        if line.problem:
            raise WeatherRefused(f"{_said(hour)}: {line.problem}")
        yield line


def _check_units(units: _Units) -> None:
    for name, unit, good in (
        ("temperature_2m", units.temperature_2m, CELSIUS),
        ("precipitation", units.precipitation, MILLIMETRES),
    ):
        if unit not in good:
            raise WeatherRefused(f"{name} is in {quoted(unit)}; ask for °C and mm in weather.url")


def _by_hour(name: str, times: list[datetime], values: list[float | None] | None) -> dict[datetime, float]:
    """The values that are known, by the hour in which their time is."""
    if values is None:
        return {}
    if len(values) != len(times):
        raise WeatherRefused(f"it has {len(times)} times and {len(values)} of {name}; did the answer break off?")
    found: dict[datetime, float] = {}
    for time, value in zip(times, values, strict=True):
        hour = time.replace(minute=0, second=0, microsecond=0)
        if value is not None and found.setdefault(hour, value) != value:
            raise WeatherRefused(f"{_said(hour)} is there twice, with other values; ask for hourly values")
    return found


def _time(said: str | int, offset_s: int | None) -> datetime:
    try:
        time = datetime.fromtimestamp(said, UTC) if isinstance(said, int) else datetime.fromisoformat(said)
        if time.tzinfo is None and offset_s is not None and abs(offset_s) <= MOST_OFFSET_S:
            time = time.replace(tzinfo=timezone(timedelta(seconds=offset_s)))
    except (ValueError, OverflowError, OSError) as error:
        raise WeatherRefused(f"{quoted(said)} is no time") from error
    if time.tzinfo is None:
        raise WeatherRefused("its times have no UTC offset, and utc_offset_seconds does not say it")
    if not is_time(time):
        raise WeatherRefused(f"{quoted(said)} is no time")
    return time.astimezone(UTC)


def _said(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%dT%H:%MZ")
