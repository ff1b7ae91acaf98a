"""The two ends of a night by the site's clock, as the page needs them. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


def begun_nights(now: datetime, zone: ZoneInfo, start: str, end: str) -> list[tuple[datetime, datetime]]:
    """(start, end) in UTC of the night that began last, and of the one before it.

    `start` and `end` are clock times such as "22:00" and "05:00".
    """
    first, last = time.fromisoformat(start), time.fromisoformat(end)
    today = now.astimezone(zone).date()
    day = today if _at(today, first, zone) <= now else today - _DAY
    return [_night(day, first, last, zone), _night(day - _DAY, first, last, zone)]


def _night(day: date, first: time, last: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    end_day = day if first < last else day + _DAY
    return _at(day, first, zone), _at(end_day, last.replace(fold=1), zone)


def _at(day: date, clock_time: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock_time, zone).astimezone(UTC)
