"""What a night is: its ends by the site's clock, and its minimum flow. Pure.

A night has the name of the local date on which it ends. Where the clocks change in it, it is an hour shorter or longer;
this is the only place where summer time decides anything.

The minimum night flow is the lowest mean of six consecutive ten minutes of accepted values within the report's hours.
The report, the alarm, its limits and the page all take it from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.clock import minute_of, minute_start
from common.errors import SettingsError
from common.settings import NightSettings

DAY = timedelta(days=1)
DAY_MINUTES = 24 * 60
WINDOW_MINUTES = 10  # a window T is the ten minutes T-9..T
HOUR_WINDOWS = 6
CHANGED_NIGHTS = 7  # reported anew after a change of what is known of a sensor; older nights keep their values
HOUR_MINUTES_NEEDED = 50  # accepted minutes of 60: an hour made from fewer may have missed its use or its quiet
# Which definition a night's report follows. 1: the minimum of 02:00 to 04:00, night use guessed as one number, leakage
# without a bound. 2: the minimum of the report's hours, a guessed night use as a range, leakage not above any flow.
DEFINITION = 2


@dataclass(frozen=True)
class NightClock:
    """When nights start and end: minutes of the local day, and their time zone."""

    zone: ZoneInfo
    start: int
    end: int

    def utc_minute(self, day: date, minute_of_day: int, *, ends: bool) -> int:
        """The UTC minute of a local time in the night that ends on the local date `day`.

        A time after the night's end belongs to the evening before. A time that occurs twice is the first one for a
        start and the second one for an end, so the repeated hour is inside. A skipped time is read as if the clock had
        not changed yet.
        """
        if minute_of_day > self.end or (minute_of_day == self.end and not ends):
            day -= DAY
        local = datetime.combine(day, time(minute_of_day // 60, minute_of_day % 60), self.zone)
        first, second = minute_of(local.replace(fold=0)), minute_of(local.replace(fold=1))
        return max(first, second) if ends else first

    def span(self, day: date) -> tuple[int, int]:
        """The first minute of the night that ends on `day`, and the first after it."""
        return self.utc_minute(day, self.start, ends=False), self.utc_minute(day, self.end, ends=True)

    def begun(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """(start, end) in UTC of the latest night that has begun, and of the night before."""
        day = now.astimezone(self.zone).date() + DAY
        while self.span(day)[0] > minute_of(now):
            day -= DAY
        newest, before = self.span(day), self.span(day - DAY)
        return [(minute_start(start), minute_start(end)) for start, end in (newest, before)]


def minute_of_day(text: str) -> int:
    """The minute of the day of a time such as "22:00"."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


class ReportHours(NamedTuple):
    """The part of a night in which its minimum is looked for.

    Attributes:
        start: minute of the local day after which its first window begins, a multiple of ten.
        minutes: how many minutes its windows have together, at least an hour.
    """

    start: int
    minutes: int

    def offset(self, minute_of_day: int) -> int:
        """How many minutes of it are over before a local minute; outside if not below `minutes`."""
        return (minute_of_day - 1 - self.start) % DAY_MINUTES

    def touch(self, minute_of_day: int, minutes: int) -> bool:
        """Whether any of the `minutes` from a local minute on is inside."""
        return (self.offset(minute_of_day) + minutes - 1) % DAY_MINUTES < self.minutes + minutes - 1


def report_hours(night: NightSettings) -> ReportHours:
    """The report's hours of the settings, in whole windows.

    A default that is not in the night gives way to the night's own end.

    Raises:
        SettingsError: the times make no night, or the report's hours do not lie in it.
    """
    start, end = minute_of_day(night.start), minute_of_day(night.end)
    length = (end - start) % DAY_MINUTES
    if length < WINDOW_MINUTES:
        raise SettingsError("night.end", f"the night from {night.start} to {night.end} is shorter than ten minutes")
    default = NightSettings()
    first = (minute_of_day(night.report_start) - start) % DAY_MINUTES
    if first >= length:
        if night.report_start != default.report_start:
            raise SettingsError(
                "night.report_start", f"{night.report_start} is not in the night {night.start}-{night.end}"
            )
        first = 0
    last = (minute_of_day(night.report_end) - start) % DAY_MINUTES
    if night.report_end == default.report_end:
        last = min(last, length)
    inside = last <= length
    first += -(start + first) % WINDOW_MINUTES
    last = min(last, length - 1)  # the window that is named by the night's end is not one of it
    last -= (start + last) % WINDOW_MINUTES
    if not inside or last - first < HOUR_WINDOWS * WINDOW_MINUTES:
        raise SettingsError(
            "night.report_end",
            f"{night.report_start}-{night.report_end} does not hold six windows of ten minutes of the night "
            f"{night.start}-{night.end}",
        )
    return ReportHours((start + first) % DAY_MINUTES, last - first)


DEFAULT_HOURS = report_hours(NightSettings())
HOURS_0_1 = ReportHours(90, 210)  # 01:30 to 05:00, of criteria and states from version 0.1


class RollingHour(NamedTuple):
    """Six consecutive windows with enough accepted values."""

    first: int  # the number of the first of them
    flow_m3h: float  # mean
    minutes: int  # accepted flow values in it


def believed_hours(windows: Mapping[int, tuple[float, int]]) -> Iterator[RollingHour]:
    """Every rolling hour with enough accepted minutes, in the order of time.

    Args:
        windows: by number, consecutive ones being neighbours in time: the sum (m3/h) and count of accepted flows.
    """
    for first in range(min(windows, default=0), max(windows, default=0) + 2 - HOUR_WINDOWS):
        parts = [windows.get(number, (0.0, 0)) for number in range(first, first + HOUR_WINDOWS)]
        minutes = sum(count for _, count in parts)
        if minutes >= HOUR_MINUTES_NEEDED:
            yield RollingHour(first, sum(flow for flow, _ in parts) / minutes, minutes)


def lowest_hour(windows: Mapping[int, tuple[float, int]]) -> RollingHour | None:
    """The minimum night flow; None if no hour has enough accepted minutes. See `believed_hours`."""
    return min(believed_hours(windows), key=lambda hour: hour.flow_m3h, default=None)
