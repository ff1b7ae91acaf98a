"""The links to other spans of time, and the words for this one. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from common.messages import message
from server import spans
from server.reader import Reader
from server.spans import SpanAsked, Window

NAMES = {
    "hour": message("Hour"),
    "day": message("Day"),
    "week": message("Week"),
    "month": message("Month"),
    "year": message("Year"),
}
OF_NOW = {
    "hour": message("The last hour"),
    "day": message("The last 24 hours"),
    "week": message("The last seven days"),
    "month": message("The last 30 days"),
    "year": message("The last 365 days"),
}

Json = dict[str, Any]


class Link(NamedTuple):
    """To another span; `current`: it is the one that is shown."""

    words: str
    href: str
    current: bool = False


def nav(seen: Window, place: Mapping[str, str], reader: Reader) -> Json:
    """What the navigation shows.

    Args:
        place: the other parameters of the page's address.
    """
    asked, say = seen.asked, reader.words.say
    first = seen.first.astimezone(reader.zone)
    shown = first if asked.at else reader.now.astimezone(reader.zone)

    def href(wanted: SpanAsked) -> str:
        return "?" + urlencode({**place, **spans.query(wanted)})

    return {
        "title": title(seen, reader),
        "spans": [Link(say(NAMES[name]), href(asked._replace(span=name)), name == asked.span) for name in spans.SHAPES],
        "before": href(seen.before),
        "after": href(seen.after) if seen.after else None,
        "now": href(asked._replace(at="")) if asked.at else None,
        "compare": Link(
            say("Compare with a week before"), href(asked._replace(compare=not asked.compare)), asked.compare
        ),
        "hidden": {**place, "span": asked.span, **({"compare": "week"} if asked.compare else {})},
        "picker": "datetime-local" if asked.span == "hour" else "date",
        "at": f"{shown:%Y-%m-%dT%H:%M}" if asked.span == "hour" else f"{shown:%Y-%m-%d}",
    }


def title(seen: Window, reader: Reader) -> str:
    """The span in words."""
    if not seen.asked.at:
        return reader.words.say(OF_NOW[seen.asked.span])
    first, end = (at.astimezone(reader.zone) for at in (seen.first, seen.end))
    words = reader.words
    if seen.asked.span == "hour":
        return words.say("{low}–{high}", low=f"{words.day(first)} {first:%H:%M}", high=f"{end:%H:%M}")
    last = end - timedelta(minutes=1)
    if first.date() == last.date():
        return words.day(first)
    return words.say("{start} – {end}", start=words.day(first), end=words.day(last))
