"""Asks the weather's source (`[weather]` of the settings) and keeps what it says. A step never waits.

The exchange runs in a thread of its own, within a deadline. After a failure it is tried again later and later; what is
known stays, and an hour of which nothing is known is forecast as without weather.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from common import masking, weather
from common.errors import HydrologError
from common.exchange import Exchange
from common.http_answer import HttpAnswer, retry_after_s
from common.logging_setup import quoted
from common.retry import Backoff
from common.runner import Worker
from common.settings import WEATHER_KEY, Settings
from common.settings_weather import BASE_DATE, BASE_TIME, KEY
from common.token_file import read_token
from common.version import NAME, version
from common.weather import WeatherHour
from common.web_address import WebAddress, address_of
from forecaster.weather_answer import MOST_BYTES, hours_of
from forecaster.weather_kma import newest_issue
from forecaster.weather_table import WeatherRefused

TIMEOUT_S = 60.0  # for a whole exchange; there is no hurry
RETRY = Backoff(first_s=60.0, cap_s=3600.0)  # the newest forecast that is known serves for hours
SPREAD = 0.1  # of the time between two asks: so that a thousand boxes do not ask in the same second

_log = logging.getLogger(__name__)


class WeatherService:
    """Where weather is asked for, and how its answers are read."""

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        """Check the settings; nothing is asked yet.

        Raises:
            SettingsError: there is no key, or the address cannot be used.
        """
        self._weather = settings.weather
        self._zone = ZoneInfo(self._weather.zone) if self._weather.zone else settings.site.zone
        self._key = ""
        if KEY in self._weather.url:
            self._key = read_token(WEATHER_KEY, self._weather.key_file, "weather.key_file", environ)
        self._address_at(datetime.fromtimestamp(0, self._zone))

    def exchange(self, now: datetime) -> Exchange:
        """The question of now; not started yet."""
        headers = [
            ("User-Agent", f"{NAME}/{version()}"),
            ("Accept", "application/json, text/csv"),
            ("Accept-Encoding", "gzip"),
            ("Connection", "close"),
        ]
        return Exchange(self._address_at(now), TIMEOUT_S, None, headers, MOST_BYTES + 1)

    def hours(self, answer: HttpAnswer, now: datetime) -> list[WeatherHour]:
        """The hours of an answer that came now.

        Raises:
            WeatherRefused: there are none; says why, without the key.
        """
        try:
            return hours_of(answer, self._zone, now)
        except WeatherRefused as error:
            raise WeatherRefused(masking.hide(str(error), [self._key])) from error

    def _address_at(self, now: datetime) -> WebAddress:
        issue = newest_issue(now)
        key = self._key if "%" in self._key else quote(self._key, safe="")  # some services give it encoded
        url = self._weather.url.replace(BASE_DATE, f"{issue:%Y%m%d}").replace(BASE_TIME, f"{issue:%H%M}")
        return address_of("weather", replace(self._weather, url=url.replace(KEY, key)))


class WeatherSource:
    """Keeps the weather of the data folder up to date."""

    def __init__(self, settings: Settings) -> None:
        """Check the settings.

        Raises:
            SettingsError: the source cannot be asked.
        """
        self._service = WeatherService(settings)
        self._data = settings.paths.data
        self._every = timedelta(hours=settings.weather.every_hours)
        self._asked: datetime | None = None
        self._due: datetime | None = None
        self.exchange: Exchange | None = None
        self._deadline_s = 0.0
        self._was_cut = False
        self._failures = 0
        self._problem = ""
        self._since: datetime | None = None
        self._got: datetime | None = None

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Ask if it is time, or take what has come; returns how it is."""
        if self._asked is None or self._due is None or not self._asked <= now < self._due:
            self._ask(now)
        elif self.exchange is not None:
            self._look(self.exchange, now)
        return {
            "weather_asked": self._got.isoformat() if self._got else "",
            "weather_problem": self._problem,
            "weather_problem_since": self._since.isoformat() if self._since else "",
        }

    def close(self) -> None:
        """End an exchange."""
        if self.exchange is not None:
            self.exchange.cut()

    def _ask(self, now: datetime) -> None:
        self._asked, self._due = now, now + self._every * (1 - SPREAD * random.random())
        if self.exchange is not None:  # a name is still looked up; or the clock was put forward or back meanwhile
            return
        self.exchange, self._was_cut = self._service.exchange(now), False
        self._deadline_s = time.monotonic() + TIMEOUT_S
        self.exchange.start()

    def _look(self, exchange: Exchange, now: datetime) -> None:
        """Take the answer once it is there, or give it up; only a thread that looks up a name may last longer."""
        if exchange.ended.is_set():
            self.exchange = None
            if not self._was_cut:
                self._take(exchange.answer, now)
        elif time.monotonic() >= self._deadline_s and not self._was_cut:
            self._was_cut = True
            exchange.cut()
            self._take(HttpAnswer(None, f"not complete within {TIMEOUT_S:g} s"), now)

    def _take(self, answer: HttpAnswer, now: datetime) -> None:
        try:
            changed = weather.add(self._data, self._service.hours(answer, now), now, wait=False)
        except WeatherRefused as error:
            self._failed(str(error), now, retry_after_s(answer.retry_after, now))
        except OSError as error:
            self._failed(f"weather.csv cannot be written: {error.strerror or 'somebody else is at it'}", now, 0.0)
        else:
            _log.info("weather_taken changed=%d", changed)
            self._got, self._failures, self._problem, self._since = now, 0, "", None

    def _failed(self, problem: str, now: datetime, after_s: float) -> None:
        self._failures += 1
        wait = timedelta(seconds=max(RETRY.wait_s(self._failures), after_s))
        self._due = now + min(wait, self._every)
        self._since = self._since or now
        if problem != self._problem:
            _log.warning("weather_not_taken problem=%s", quoted(problem))
        self._problem = problem


class WithWeather:
    """A worker, and the weather that it works with. See `common.runner.Worker`."""

    def __init__(self, worker: Worker, source: WeatherSource) -> None:
        self._worker = worker
        self._source = source

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Look after the weather, then do the work; whatever the work meets, how the weather is goes with it."""
        weather_is = self._source.step(now)
        try:
            return {**self._worker.step(now), **weather_is}
        except HydrologError as error:
            error.counters = {**error.counters, **weather_is}
            raise

    def close(self) -> None:
        """Leave nothing open."""
        self._source.close()
        self._worker.close()
