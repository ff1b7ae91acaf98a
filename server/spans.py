"""Which part of a sensor's history is looked at: an hour to a year, of now or in the past, or a part of one. Pure.

Days, weeks, months and years are those of the site's calendar, so a day may have 23 or 25 hours.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
LAST_WEEK = timedelta(days=7)
FIRST_YEAR, LAST_YEAR = 1971, 8999
LONGEST_AT = 40  # characters
FEW_MARKS = timedelta(days=8)  # a longer span shows incidents, but not each flagged value
FEW_HOURS = timedelta(days=40)  # a longer span does not show the forecast of each hour
LEAST_PART, LONGEST_PART = timedelta(minutes=10), timedelta(days=366)


class Shape(NamedTuple):
    """How a span is drawn: at most about 1,500 points.

    Attributes:
        back, ahead: around now, while it is that of now; the forecast lies ahead.
        step: of one point; a day is one of the calendar.
        row: of one line of the table: "10 minutes", "hour", "day" or "month".
        longest: part of a span that is drawn like this.
    """

    back: timedelta
    ahead: timedelta
    step: timedelta
    row: str
    longest: timedelta


SHAPES = {
    "hour": Shape(HOUR, 10 * MINUTE, MINUTE, "10 minutes", 2 * HOUR),
    "day": Shape(DAY, 6 * HOUR, MINUTE, "hour", 30 * HOUR),
    "week": Shape(7 * DAY, DAY, 10 * MINUTE, "day", 10 * DAY),
    "month": Shape(30 * DAY, DAY, HOUR, "day", 62 * DAY),
    "year": Shape(365 * DAY, timedelta(0), DAY, "month", LONGEST_PART),
}
USUAL = "day"


class SpanPart(NamedTuple):
    """Of a span, from a whole minute to another, UTC."""

    first: datetime
    end: datetime


class SpanAsked(NamedTuple):
    """What a reader asks for.

    Attributes:
        at: a local date or time within the span; empty for that of now.
        part: what is looked at more closely; the span is where the way back leads.
    """

    span: str = USUAL
    at: str = ""
    compare: bool = False
    part: SpanPart | None = None


class Window(NamedTuple):
    """A span in time, aware.

    Attributes:
        now: whether it is that of now, and moves on.
        before, after: what to ask for to see the one before and after it; None for none.
    """

    asked: SpanAsked
    first: datetime
    end: datetime
    now: bool
    before: SpanAsked
    after: SpanAsked | None

    @property
    def shape(self) -> Shape:
        if self.asked.part is None:
            return SHAPES[self.asked.span]
        return next(shape for shape in SHAPES.values() if self.end - self.first <= shape.longest)


def asked(query: Mapping[str, str]) -> SpanAsked:
    """What is not understood counts as not asked."""
    span = query.get("span", "")
    at = query.get("at", "").strip()
    return SpanAsked(
        span if span in SHAPES else USUAL,
        at if len(at) <= LONGEST_AT and _moment(at) else "",
        query.get("compare") == "week",
        _part(query.get("from", ""), query.get("until", "")),
    )


def query(wanted: SpanAsked) -> dict[str, str]:
    """The same as parameters of an address."""
    return {
        "span": wanted.span,
        **({"at": wanted.at} if wanted.at else {}),
        **({"compare": "week"} if wanted.compare else {}),
        **(dict(zip(("from", "until"), map(_address, wanted.part), strict=True)) if wanted.part else {}),
    }


def window(wanted: SpanAsked, zone: ZoneInfo, now: datetime) -> Window:
    """The span that is asked for, or the part of it."""
    if wanted.part is not None:
        first, end = wanted.part
        after = wanted._replace(part=SpanPart(end, end + (end - first))) if end <= now else None
        return Window(wanted, first, end, False, wanted._replace(part=SpanPart(first - (end - first), first)), after)
    moment = _moment(wanted.at)
    if moment is None:
        shape = SHAPES[wanted.span]
        first, _ = _unit(wanted.span, now.astimezone(zone))
        return Window(wanted, now - shape.back, now + shape.ahead, True, of(wanted, first - MINUTE, zone), None)
    first, end = _unit(wanted.span, _in(zone, moment))
    after = of(wanted, end, zone) if end <= now else wanted._replace(at="") if first <= now else None
    return Window(wanted, first, end, first <= now < end, of(wanted, first - MINUTE, zone), after)


def of(wanted: SpanAsked, moment: datetime, zone: ZoneInfo) -> SpanAsked:
    """The whole span of `moment`. An hour names its offset: the clock may show it twice."""
    local = moment.astimezone(zone)
    hour = local.replace(minute=0, second=0, microsecond=0)
    return wanted._replace(
        part=None, at=f"{hour:%Y-%m-%dT%H:%M}{hour.isoformat()[19:]}" if wanted.span == "hour" else f"{local:%Y-%m-%d}"
    )


def steps(seen: Window, zone: ZoneInfo, now: datetime) -> list[datetime]:
    """The bounds of its points, up to now."""
    step = seen.shape.step
    until = min(seen.end, now)
    if step >= DAY:
        return list(_days(seen.first, until, zone))
    offset = seen.first.astimezone(zone).utcoffset() or timedelta(0)
    late = (seen.first.astimezone(UTC).replace(tzinfo=None) + offset - datetime.min) % step
    first = seen.first.astimezone(UTC) - late
    count = max(0, -((first - until) // step))
    return [first + step * n for n in range(count + 1)]


def earlier(bounds: list[datetime], zone: ZoneInfo) -> list[datetime]:
    """The same times of the site's clock a week before."""
    return [(at.astimezone(zone) - LAST_WEEK).astimezone(UTC) for at in bounds]


def _days(first: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    local = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    while local < until:
        yield local.astimezone(UTC)
        local += DAY
    yield local.astimezone(UTC)


def _moment(text: str) -> datetime | None:
    """A date or time as it is typed or linked; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _address(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def _part(first: str, end: str) -> SpanPart | None:
    """From one time with its offset to another; None for what is none, or shorter or longer than is drawn."""
    if max(len(first), len(end)) > LONGEST_AT:
        return None
    begins, ends = _moment(first), _moment(end)
    if begins is None or ends is None or begins.tzinfo is None or ends.tzinfo is None:
        return None
    part = SpanPart(*(moment.astimezone(UTC).replace(second=0, microsecond=0) for moment in (begins, ends)))
    return part if LEAST_PART <= part.end - part.first <= LONGEST_PART else None


def _in(zone: ZoneInfo, moment: datetime) -> datetime:
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _unit(span: str, local: datetime) -> tuple[datetime, datetime]:
    """The hour, day, week, month or year that holds a time."""
    if span == "hour":
        first = local.replace(minute=0, second=0, microsecond=0)
        return first.astimezone(UTC), first.astimezone(UTC) + HOUR
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if span == "day":
        return midnight, midnight + DAY
    if span == "week":
        monday = midnight - DAY * midnight.weekday()
        return monday, monday + LAST_WEEK
    if span == "month":
        first = midnight.replace(day=1)
        return first, first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    first = midnight.replace(month=1, day=1)
    return first, first.replace(year=first.year + 1)
