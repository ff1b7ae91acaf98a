"""A span of time in words and as a table: the same values as in the charts. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from common.messages import message
from outliers import flags
from server import span_nav
from server.reader import ABSENT, Reader
from server.spans import Window

LATE_S = 300  # what is later than this is missing; until then it may be on its way
NAMES = {"flow": message("Flow"), "pressure": message("Pressure")}
_OF_ROW: dict[str, Callable[[datetime], datetime]] = {
    "10 minutes": lambda local: local.replace(minute=local.minute // 10 * 10),
    "hour": lambda local: local.replace(minute=0),
    "day": lambda local: local.replace(hour=0, minute=0, fold=0),
    "month": lambda local: local.replace(day=1, hour=0, minute=0, fold=0),
}

Json = dict[str, Any]


class Summary(NamedTuple):
    """Lowest, mean and highest of some time, and the minutes with a value."""

    low: float
    mean: float
    high: float
    minutes: int


def figures(content: Json, entry: Json, seen: Window, reader: Reader) -> Json:
    """What the page says of a span.

    Args:
        content: as `SensorCharts` has it.
        entry: the sensor in the state.
    """
    series, minutes = content["series"], _minutes(content, entry, seen)
    return {
        "title": span_nav.title(seen, reader),
        "said": {
            channel: _said(channel, series[channel], minutes, entry[channel] if seen.now else None, reader)
            for channel in flags.CHANNELS
        },
        "incidents": content["incidents"],
        "rows": _rows(series, seen, reader),
    }


def _minutes(content: Json, entry: Json, seen: Window) -> int:
    """How many minutes should have a value by now."""
    start, end, now = (float(content[name]) for name in ("start", "end", "now"))
    newest, until = entry["newest"], min(end, now)
    if seen.now and newest is not None and until - newest < LATE_S:
        until = float(newest) + 60
    return max(0, round((until - start) / 60))


def _said(channel: str, lists: Json, minutes: int, now: float | None, reader: Reader) -> str:
    say, many = reader.words.say, reader.words.many
    whole = together(_summaries(lists))
    if whole is None:
        return say("{channel}: no value in this span.", channel=say(NAMES[channel]))
    words = [
        say(
            "{channel}: mean {mean}, lowest {low}, highest {high}.",
            channel=say(NAMES[channel]),
            mean=reader.figure(channel, whole.mean),
            low=reader.figure(channel, whole.low),
            high=reader.measured(channel, whole.high),
        )
    ]
    if now is not None:
        words.append(say("Now {value}.", value=reader.measured(channel, now)))
    if missing := max(0, minutes - whole.minutes):
        words.append(many("{count} minute without a value.", "{count} minutes without a value.", missing))
    return " ".join(words)


def _rows(series: Json, seen: Window, reader: Reader) -> list[Json]:
    """Lines of the table, oldest first."""
    begins = _OF_ROW[seen.shape.row]
    places: dict[str, tuple[datetime, list[int]]] = {}
    for place, at in enumerate(series["at"]):
        first = begins(reader.local(at))
        places.setdefault(first.isoformat(), (first, []))[1].append(place)
    known = {channel: _summaries(series[channel]) for channel in flags.CHANNELS}
    return [
        {"at": _label(first, seen, reader)}
        | {channel: _cells(channel, (every[place] for place in held), reader) for channel, every in known.items()}
        for first, held in places.values()
    ]


def _cells(channel: str, parts: Iterable[Summary | None], reader: Reader) -> list[str]:
    """Mean, lowest and highest of one line, and its minutes with a value."""
    found = together(parts)
    if found is None:
        return [ABSENT, ABSENT, ABSENT, "0"]
    values = [reader.figure(channel, value) for value in (found.mean, found.low, found.high)]
    return [*values, reader.count(found.minutes)]


def _summaries(lists: Json) -> list[Summary | None]:
    mean: list[float | None] = lists["mean"]
    columns = zip(lists.get("low", mean), mean, lists.get("high", mean), lists["minutes"], strict=True)
    return [None if each is None else Summary(low, each, high, minutes) for low, each, high, minutes in columns]


def together(parts: Iterable[Summary | None]) -> Summary | None:
    """Of several times one; None if none has a value."""
    known = [each for each in parts if each is not None]
    minutes = sum(each.minutes for each in known)
    if not minutes:
        return None
    mean = sum(each.mean * each.minutes for each in known) / minutes
    return Summary(min(each.low for each in known), mean, max(each.high for each in known), minutes)


def _label(first: datetime, seen: Window, reader: Reader) -> str:
    row = seen.shape.row
    if row == "month":
        return reader.words.month(first)
    return reader.words.day(first) if row == "day" else reader.time(first.timestamp())
