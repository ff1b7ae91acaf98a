"""The only module that reads the clock. Everything else is given `now`.

A demo runs faster than real time: the environment variable HYDROLOG_CLOCK (``<speed> <real epoch s> <site epoch s>``)
gives all its processes the same site time.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Protocol

VARIABLE = "HYDROLOG_CLOCK"
NEVER_SET_BEFORE_S = 1_262_304_000.0  # 2010-01-01: a box without a battery starts in 1970 or 2000
FUTURE_S = 120.0  # a meter's clock may be this fast: a later time was made by a wrong clock


class Clock(Protocol):
    def now(self) -> datetime:
        """The site's time, aware, UTC."""

    def monotonic(self) -> float:
        """Monotonic seconds, at the speed of `now`."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait for the given site seconds or until `stop` is set; True if it was set."""


class SystemClock:
    """The system clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds)


@dataclass(frozen=True)
class ScaledClock:
    """Site time: `site_s` when the system clock showed `real_s`, then `speed` times as fast."""

    speed: float
    real_s: float
    site_s: float

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.site_s + (time.time() - self.real_s) * self.speed, UTC)

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds / self.speed)

    def to_environment(self) -> str:
        return f"{self.speed!r} {self.real_s!r} {self.site_s!r}"


@dataclass(frozen=True)
class FixedClock:
    """For one step at a given time (``--once --at``)."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds)


def from_environment(environ: Mapping[str, str] = os.environ) -> Clock:
    """The clock of this process: the system clock, unless a demo has set another."""
    if not (text := environ.get(VARIABLE)):
        return SystemClock()
    speed, real_s, site_s = (float(part) for part in text.split())
    return ScaledClock(speed, real_s, site_s)


def minute_of(time_: datetime) -> int:
    """The UTC minute, counted from 1970, that contains an aware time."""
    return int(time_.timestamp() // 60)


def minute_start(minute: int) -> datetime:
    """The start of a UTC minute as an aware UTC time."""
    return datetime.fromtimestamp(minute * 60, UTC)


def minute_if_known(time_: datetime | None) -> int | None:
    """As `minute_of`; None for None."""
    return None if time_ is None else minute_of(time_)


def start_if_known(minute: int | None) -> datetime | None:
    """As `minute_start`; None for None."""
    return None if minute is None else minute_start(minute)


def local_text(at: datetime | int, zone: tzinfo) -> str:
    """A time, or a UTC minute since 1970, as the clock of a zone shows it."""
    time_ = minute_start(at) if isinstance(at, int) else at
    return f"{time_.astimezone(zone):%Y-%m-%d %H:%M}"
