"""A month of a site: its days by the site's clock, and those that are over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.clock import minute_of
from common.night import DAY, NightClock, minute_of_day
from common.settings import Settings

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Month:
    """A month by the site's clock. `first`: its first day."""

    first: date
    zone: ZoneInfo

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def after(self) -> date:
        """The first day of the next month."""
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def days(self) -> Iterator[date]:
        for number in range((self.after - self.first).days):
            yield self.first + timedelta(days=number)

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return datetime.combine(day, time(), self.zone)

    @property
    def start(self) -> datetime:
        return self.midnight(self.first)

    @property
    def end(self) -> datetime:
        return self.midnight(self.after)


def first_day(text: str) -> date | None:
    """The first day of a month like "2024-08"; None for what is no month."""
    return date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else None


def last_whole(now: datetime, zone: ZoneInfo) -> Month:
    """The last month that is over."""
    this = now.astimezone(zone).date().replace(day=1)
    return Month((this - DAY).replace(day=1), zone)


def last_night(chosen: Settings, now: datetime) -> date:
    """The last night whose report is due."""
    night = NightClock(chosen.site.zone, minute_of_day(chosen.night.start), minute_of_day(chosen.night.end))
    due = now - timedelta(seconds=chosen.night.grace_seconds)
    day = due.astimezone(chosen.site.zone).date()
    while night.span(day)[1] > minute_of(due):
        day -= DAY
    return day
