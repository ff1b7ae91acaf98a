"""Reads the short-term forecast (단기예보, getVilageFcst) of the Korea Meteorological Administration, as JSON.

An item is one value: `category` TMP (°C) or PCP (rain in an hour), at `fcstDate` `fcstTime` of Korean time.
Rain is a text: "강수없음" (none), "6.2mm", or a class, which counts as its middle; what has no upper end counts as its
lower one. A number without mm is a class of the days further ahead, of which no amount is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from common import state_file
from common.logging_setup import quoted
from common.state_file import StateUnusable
from common.weather import WeatherHour, is_time, known_from
from forecaster.weather_table import WeatherRefused

KOREA = timezone(timedelta(hours=9))
ISSUED_AT_H = (2, 5, 8, 11, 14, 17, 20, 23)
READY_AFTER = timedelta(minutes=15)  # the service has an issue ten minutes after its time
GOOD, NO_VALUE = "00", 900.0  # beyond ±900 a number means that there is none
MANY = 2000  # rows that hold any issue
DRY = ("강수없음", "0", "-")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*mm", re.ASCII)
_BELOW = re.compile(r"(\d+(?:\.\d+)?)\s*mm\s*미만", re.ASCII)
_BETWEEN = re.compile(r"(\d+(?:\.\d+)?)(?:\s*mm)?\s*~\s*(\d+(?:\.\d+)?)\s*mm", re.ASCII)
_ABOVE = re.compile(r"(\d+(?:\.\d+)?)\s*mm\s*이상", re.ASCII)
_SAID = re.compile(rb"<(?:returnAuthMsg|errMsg|resultMsg)>([^<]{1,80})<")


@dataclass(frozen=True)
class _Item:
    category: str
    fcstDate: str  # noqa: N815 - names of the service
    fcstTime: str  # noqa: N815
    fcstValue: str  # noqa: N815


@dataclass(frozen=True)
class _Items:
    item: list[_Item] = field(default_factory=list)


@dataclass(frozen=True)
class _Body:
    items: _Items = field(default_factory=_Items)
    totalCount: int = 0  # noqa: N815


@dataclass(frozen=True)
class _Header:
    resultCode: str  # noqa: N815
    resultMsg: str = ""  # noqa: N815


@dataclass(frozen=True)
class _Response:
    header: _Header
    body: _Body | None = None


@dataclass(frozen=True)
class _Answer:
    response: _Response


def newest_issue(now: datetime) -> datetime:
    """The time of the newest issue that the service has, in Korean time."""
    korean = (now - READY_AFTER).astimezone(KOREA)
    midnight = korean.replace(hour=0, minute=0, second=0, microsecond=0)
    times = [midnight + timedelta(hours=hour) for hour in (-1, *ISSUED_AT_H)]
    return max(time for time in times if time <= korean)


def error_said(raw: bytes) -> str:
    """What an error in XML says, which the service sends for JSON as well; empty if it is none."""
    found = [text.decode("utf-8", "replace").strip() for text in _SAID.findall(raw)]
    return quoted(found[-1]) if found else ""


def hours_of_kma(raw: bytes, now: datetime) -> list[WeatherHour]:
    """The hours of an answer that came now.

    Raises:
        WeatherRefused: says what is wrong.
    """
    try:
        said = state_file.parse(raw, _Answer).response
    except StateUnusable as error:
        raise WeatherRefused(f"its JSON is not as described: {quoted(str(error))}") from error
    if said.header.resultCode != GOOD or said.body is None:
        raise WeatherRefused(f"the weather service says {quoted(said.header.resultMsg or said.header.resultCode)}")
    items = said.body.items.item
    if said.body.totalCount > len(items):
        raise WeatherRefused(
            f"it sent {len(items)} of {said.body.totalCount} values; write numOfRows={MANY} into weather.url"
        )
    found: dict[datetime, list[float | None]] = {}
    for item in items:
        if item.category in ("TMP", "PCP"):
            values = found.setdefault(_hour(item), [None, None])
            place = 0 if item.category == "TMP" else 1
            value = _rain(item.fcstValue) if place else _temperature(item.fcstValue)
            if values[place] not in (None, value):
                hour = quoted(f"{item.fcstDate} {item.fcstTime}")
                raise WeatherRefused(f"{hour} is there twice, with other values")
            values[place] = value
    lines = [WeatherHour(known_from(hour, now), hour, *values) for hour, values in sorted(found.items())]
    if problem := next((line.problem for line in lines if line.problem), ""):
        raise WeatherRefused(problem)
    return [line for line in lines if line.temperature_c is not None or line.rain_mm_h is not None]


def _hour(item: _Item) -> datetime:
    text = f"{item.fcstDate}{item.fcstTime}"
    try:
        time = datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=KOREA)
    except ValueError as error:
        raise WeatherRefused(f"{quoted(text)} is no time") from error
    if not is_time(time) or time.minute:
        raise WeatherRefused(f"{quoted(text)} is no time")
    return time.astimezone(UTC)


def _temperature(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError as error:
        raise WeatherRefused(f"{quoted(text)} is no number") from error
    return None if abs(value) >= NO_VALUE else value


def _rain(text: str) -> float | None:
    text = text.strip()
    if text in DRY:
        return 0.0
    if found := _AMOUNT.fullmatch(text) or _ABOVE.fullmatch(text):
        return float(found[1])
    if found := _BELOW.fullmatch(text):
        return float(found[1]) / 2
    if found := _BETWEEN.fullmatch(text):
        return (float(found[1]) + float(found[2])) / 2
    return None
