"""The text of a message: plain text, one paragraph per event, with its id below."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from common.clock import minute_start
from consumer.alerts.events import BOX, AlertEvent
from consumer.alerts.pending import Queue
from outliers.flags import FAULT, LEAK, SUPPLY, WATCH

REASON_LENGTH = 400  # characters: twice the longest reason of the methods
WORST_FIRST = (LEAK, FAULT, SUPPLY, WATCH)
_WORDS = {LEAK: "LEAK", FAULT: "FAULT", SUPPLY: "SUPPLY", WATCH: "WATCH"}
# apprise's message types; services may show them as colours.
_COLOURS = {LEAK: "failure", FAULT: "warning", SUPPLY: "info", WATCH: "info"}


@dataclass(frozen=True, slots=True)
class Message:
    """`colour` is apprise's message type: failure, warning, info or success."""

    title: str
    body: str
    colour: str


def compose(queue: Queue, site: str, zone: ZoneInfo, per_hour: int) -> Message:
    """One message with everything that waits for an address."""
    events = sorted(queue.waiting.values(), key=lambda event: (WORST_FIRST.index(event.severity), event.raised))
    lines = [_paragraph(event, event.id in queue.told, zone) for event in events]
    if queue.more:
        counts = ", ".join(f"{count} x {plain(code)}" for code, count in sorted(queue.more.items()))
        lines.append(f"And more, that are not kept in words: {counts}. The page shows them.")
    if queue.held_since_s is not None:
        since = _local(int(queue.held_since_s // 60), zone)
        lines.append(f"A summary of what came since {since}: not more than {per_hour} messages an hour are sent.")
    lines.append(
        f"Times are those of {zone.key}. The names stay the same: a message that comes twice has the same names."
    )
    new = [event for event in events if event.cleared is None]
    over = [event for event in events if event.cleared is not None]
    colour = _COLOURS[new[0].severity] if new else "success"
    return Message(plain(f"hydrolog {site}: {_title(new, over)}"), "\n\n".join(lines), colour)


def _title(new: Sequence[AlertEvent], over: Sequence[AlertEvent]) -> str:
    """What and where, for a single event; otherwise the number of each kind."""
    if len(new) + len(over) == 1:
        event = (*new, *over)[0]
        return f"{_words(event, over=event.cleared is not None)} {_place(event)}"
    counts = Counter(_words(event, over=event.cleared is not None) for event in [*new, *over])
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _paragraph(event: AlertEvent, told: bool, zone: ZoneInfo) -> str:
    where, reason = _place(event), plain(event.reason)
    since = _local(min(event.since, event.raised), zone)
    if event.cleared is None:
        text = f"{_words(event)} {where} since {since}: {reason}"
    elif told:
        text = f"OVER: {_words(event)} {where} of {since}, until {_local(event.cleared, zone)}"
        text += f": {plain(event.cleared_reason)}" if event.cleared_reason else ""
    else:
        text = f"{_words(event)} {where} was up from {since} to {_local(event.cleared, zone)}: {reason}"
        text += f"; {plain(event.cleared_reason)}" if event.cleared_reason else ""
    return f"{text}\n({plain(event.id)})"


def _words(event: AlertEvent, *, over: bool = False) -> str:
    return ("over: " if over else "") + _WORDS[event.severity]


def _place(event: AlertEvent) -> str:
    if event.sensor == BOX:
        return f"of the box ({plain(event.channel)})"
    channel = "flow and pressure" if event.channel == "both" else event.channel
    return f"at sensor {plain(event.sensor)} ({plain(channel)})"


def _local(minute: int, zone: ZoneInfo) -> str:
    local: datetime = minute_start(minute).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}"


def plain(text: str) -> str:
    """Text without control, format and line characters, of bounded length, so it cannot change the message's form."""
    harmless = "".join("?" if unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029" else sign for sign in text)
    return harmless if len(harmless) <= REASON_LENGTH else harmless[: REASON_LENGTH - 3] + "..."
