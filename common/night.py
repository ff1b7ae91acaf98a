"""The ends of a night by the site's clock, in UTC minutes. Pure; the only place where summer time decides anything.

A night has the name of the local date on which it ends. Where the clocks change in it, it is an hour shorter or longer.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.clock import minute_of, minute_start

DAY = timedelta(days=1)


@dataclass(frozen=True)
class NightClock:
    """When nights start and end: minutes of the local day, and the zone they are meant in."""

    zone: ZoneInfo
    start: int
    end: int

    def utc_minute(self, day: date, minute_of_day: int, *, ends: bool) -> int:
        """The UTC minute of a clock time in the night that ends on the local date `day`.

        A clock time later in the day than the night's end belongs to the evening before. One that comes twice is the
        first as a start and the second as an end, so that the doubled hour is inside; one that is skipped is read as
        if the clock had not been changed yet.
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
        """(start, end) in UTC of the night that began last, and of the one before it."""
        day = now.astimezone(self.zone).date() + DAY
        while self.span(day)[0] > minute_of(now):
            day -= DAY
        newest, before = self.span(day), self.span(day - DAY)
        return [(minute_start(start), minute_start(end)) for start, end in (newest, before)]


def minute_of_day(text: str) -> int:
    """Of a clock time such as "22:00"."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
