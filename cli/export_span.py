"""The ends of an export's span, as people write them: a day, or a time in the site's zone or with a UTC offset."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


class NotATime(ValueError):
    """The text is no moment of the site's clock, or it could be two; the message says what to write."""


def first_instant(text: str, zone: ZoneInfo) -> datetime:
    """The first instant of a span.

    Raises:
        NotATime: see there.
    """
    return _instant(text, zone, days_later=0)


def end_instant(text: str, zone: ZoneInfo) -> datetime:
    """The instant after a span: the time itself, or the end of the day.

    Raises:
        NotATime: see there.
    """
    return _instant(text, zone, days_later=1)


def _instant(text: str, zone: ZoneInfo, *, days_later: int) -> datetime:
    try:
        if (day := _day(text)) is not None:
            return datetime.combine(day + timedelta(days=days_later), time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (_of_the_site(text, moment, zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except NotATime:
        raise
    except (ValueError, OverflowError):
        forms = '2024-08-26, "2024-08-26 16:33" or 2024-08-26T16:33+09:00'
        raise NotATime(f"{text!r} is not a day or a time; write {forms}") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _of_the_site(text: str, local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a local time, if there is exactly one."""
    first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    written = [moment.isoformat(timespec="minutes") for moment in (first, second)]
    if first.astimezone(UTC) < second.astimezone(UTC):
        raise NotATime(f"{text!r} comes twice at {zone.key}; write {written[0]} or {written[1]}")
    after = first.astimezone(UTC).astimezone(zone).isoformat(timespec="minutes")
    raise NotATime(f"{text!r} does not exist at {zone.key}: the clock was put forward; write {after}")
