"""Weather that a server sends along with its answer to a batch: `"weather"`, beside whatever else it says.

The rows are safe already; nothing here holds up the next ones. What cannot be used is said once, and left out.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec

from common import state_file, weather
from common.clock import FUTURE_S
from common.exchange import ANSWER_BYTES
from common.logging_setup import quoted
from common.state_file import StateUnusable
from common.weather import WeatherHour, known_from

MOST_HOURS = 1000  # in an answer; a week ahead and a month back are fewer
EVERY = timedelta(minutes=55)  # forecasts are hourly, and each write of the file is a megabyte on the box's disk

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ToldHour:
    """An hour of the answer."""

    hour: _Time
    temperature_c: float | None = None
    rain_mm_h: float | None = None


@dataclass(frozen=True)
class ToldForecast:
    """What stands under `weather`: hours that are over by `made_at` are measured, the others forecast."""

    made_at: _Time
    hours: Annotated[list[ToldHour], msgspec.Meta(max_length=MOST_HOURS)]


class ToldWeather:
    """Keeps the weather of the server's answers in the data folder; the same one again costs nothing."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._last: Any = None
        self._taken: datetime | None = None
        self._problem = ""

    def take(self, body: bytes, now: datetime) -> None:
        """Look for weather in the body of an answer, and keep it."""
        if b'"weather"' not in body:
            return
        try:
            said = state_file.parse(body, dict[str, Any]).get("weather")
        except StateUnusable:  # an answer in a form of the server's own
            if len(body) >= ANSWER_BYTES:
                self._warn(f"the answer is longer than {ANSWER_BYTES} bytes, so its weather is not known")
            return
        if said in (self._last, None) or (self._taken and abs(now - self._taken) < EVERY):
            return
        try:
            weather.add(self._data, _hours(state_file.convert(said, ToldForecast), now), now, wait=False)
        except (StateUnusable, OSError) as error:
            self._warn(quoted(error))
            return
        self._last, self._taken, self._problem = said, now, ""

    def _warn(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            _log.warning("weather_of_server problem=%s", problem)


def _hours(told: ToldForecast, now: datetime) -> list[WeatherHour]:
    """The hours, if all of them can be.

    Raises:
        StateUnusable: names the first that cannot."""
    if not weather.is_time(told.made_at) or told.made_at > now + timedelta(seconds=FUTURE_S):
        raise StateUnusable(f"made at {told.made_at.isoformat()}, which cannot be")
    hours = []
    for one in told.hours:
        if not weather.is_time(one.hour):
            raise StateUnusable(f"{one.hour.isoformat()} cannot be")
        if one.hour.minute or one.hour.second or one.hour.microsecond:
            raise StateUnusable(f"{one.hour.isoformat()} is no start of an hour")
        start = one.hour.astimezone(UTC).replace(minute=0)
        hour = WeatherHour(known_from(start, told.made_at), start, one.temperature_c, one.rain_mm_h)
        if hour.problem:
            raise StateUnusable(f"{one.hour.isoformat()}: {hour.problem}")
        hours.append(hour)
    return [hour for hour in hours if hour.temperature_c is not None or hour.rain_mm_h is not None]
