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
    whole = asked._replace(part=None)
    shown = (seen.first if asked.at or asked.part else reader.now).astimezone(reader.zone)

    def href(wanted: SpanAsked) -> str:
        return "?" + urlencode({**place, **spans.query(wanted)})

    def of_span(name: str) -> Link:
        wanted = whole._replace(span=name)
        if asked.part:  # the one around what is looked at
            return Link(say(NAMES[name]), href(spans.of(wanted, seen.first, reader.zone)))
        return Link(say(NAMES[name]), href(wanted), name == asked.span)

    return {
        "title": title(seen, reader),
        "spans": [of_span(name) for name in spans.SHAPES],
        "whole": Link(title(spans.window(whole, reader.zone, reader.now), reader), href(whole)) if asked.part else None,
        "before": href(seen.before),
        "after": href(seen.after) if seen.after else None,
        "now": href(whole._replace(at="")) if asked.at or asked.part else None,
        "compare": Link(
            say("Compare with a week before"), href(asked._replace(compare=not asked.compare)), asked.compare
        ),
        "hidden": {**place, "span": asked.span, **({"compare": "week"} if asked.compare else {})},
        "picker": "datetime-local" if asked.span == "hour" else "date",
        "at": f"{shown:%Y-%m-%dT%H:%M}" if asked.span == "hour" else f"{shown:%Y-%m-%d}",
    }


def title(seen: Window, reader: Reader) -> str:
    """The span in words."""
    asked = seen.asked
    if not asked.at and not asked.part:
        return reader.words.say(OF_NOW[asked.span])
    first, end = (at.astimezone(reader.zone) for at in (seen.first, seen.end))
    words = reader.words
    if asked.part and first.date() != end.date():
        start, until = (f"{words.day(at)} {at:%H:%M}" for at in (first, end))
        return words.say("{start} – {end}", start=start, end=until)
    if asked.part or asked.span == "hour":
        return words.say("{low}–{high}", low=f"{words.day(first)} {first:%H:%M}", high=f"{end:%H:%M}")
    last = end - timedelta(minutes=1)
    if first.date() == last.date():
        return words.day(first)
    return words.say("{start} – {end}", start=words.day(first), end=words.day(last))
