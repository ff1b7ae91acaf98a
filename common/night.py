"""The ends of a night in local time, as UTC minutes. Pure; the only place where summer time matters.

A night is named after the local date on which it ends. A night with a clock change is an hour shorter or longer.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.clock import minute_of, minute_start

DAY = timedelta(days=1)


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
