"""The text of a message: plain text, from the incident as it is now, in the language of whoever reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from zoneinfo import ZoneInfo

from common import messages, verdict_words
from common.clock import local_text
from common.messages import Catalogue, message
from common.settings import Settings
from common.settings_alerts import SUPPLY
from common.verdict import FAULT, LEAK, SILENT, TROUBLE, WATCH
from consumer.alerts.events import AlertEvent
from consumer.alerts.news import News
from consumer.alerts.pending import Item, Queue
from incidents.sentences import told
from messengers.message import Message

MOST_LENGTH = 1000  # characters of a line: more than the longest sentence
MOST_IN_WORDS = 40  # items of a summary
KINDS = {
    SILENT: message("no data"),
    TROUBLE: message("system"),
    # Of events that a version without incidents left behind.
    LEAK: message("leak"),
    FAULT: message("fault"),
    SUPPLY: message("supply"),
    WATCH: message("watch"),
}
# What is new; that something was raised or is over is said by its own sentence.
NEWS = {
    News.WORSE: message("Worse"),
    News.CHANGED: message("Changed"),
    News.GREW: message("Larger"),
    News.RETURNED: message("Back again"),
    News.TAKEN: message("Acknowledged"),
    News.AGAIN: message("Still up"),
}
SEE = message("See it and take note of it: {url}")
TIMES = message("Times are those of {zone}. A message that comes twice has the same id in brackets.")
# The library's message types.
_COLOURS = {LEAK: "failure", FAULT: "warning", SILENT: "warning", TROUBLE: "warning", SUPPLY: "info", WATCH: "info"}


@dataclass(frozen=True)
class Site:
    """What all messages of a site have in common."""

    id: str
    language: str
    zone: ZoneInfo
    names: Mapping[str, str]
    page_url: str
    per_hour: int

    def local(self, minute: int) -> str:
        return local_text(minute, self.zone)

    def place(self, sensor: str) -> str:
        return self.names.get(sensor) or sensor


def site_of(settings: Settings, names: Mapping[str, str]) -> Site:
    own, alerts = settings.site, settings.alerts
    return Site(own.id, own.language, own.zone, names, alerts.page_url, alerts.messages_per_hour)


def compose(batch: Sequence[Item], queue: Queue, site: Site, language: str, minute: int) -> Message:
    """One message with the news of `batch`, for the address of `queue`."""
    alone, speech = len(batch) == 1, messages.words(language)
    shown = [_shown(item, site, speech, minute, whole=alone) for item in batch[:MOST_IN_WORDS]]
    parts = ["\n".join(plain(line) for line in lines) for _, lines in shown]
    if len(batch) > MOST_IN_WORDS:
        parts.append(speech.say("And {count} more; the page shows them.", count=len(batch) - MOST_IN_WORDS))
    if queue.more:
        counts = ", ".join(f"{count} x {plain(code)}" for code, count in sorted(queue.more.items()))
        parts.append(speech.say("And more, only counted: {counts}. The page shows them.", counts=counts))
    if queue.held_since_s is not None:
        since = site.local(int(queue.held_since_s // 60))
        parts.append(
            speech.say(
                "A summary of what came since {since}: not more than {per_hour} messages an hour are sent.",
                since=since,
                per_hour=site.per_hour,
            )
        )
    if site.page_url and not alone:
        parts.append(speech.say(SEE, url=site.page_url))
    parts.append(speech.say(TIMES, zone=site.zone.key))
    title = shown[0][0] if alone else f"{shown[0][0]}, " + speech.say("{count} messages", count=len(batch))
    standing = [item for item in batch if item.news is not News.OVER]
    colour = _COLOURS[standing[0].kind] if standing else "success"
    thread = f"{batch[0].id}.{site.id}" if alone and batch[0].known else ""
    return Message(plain(f"{title} ({site.id})"), "\n\n".join(parts), colour, thread)


def _shown(item: Item, site: Site, speech: Catalogue, minute: int, *, whole: bool) -> tuple[str, list[str]]:
    """The title, and the lines below it with the id as the last."""
    if item.event is not None:
        return _of_event(item.event, site, speech, item.kind, whole=whole)
    assert item.known is not None
    words = told(item.known, site.place(item.known.incident.sensor), speech, site.zone, minute)
    title = f"{speech.say(NEWS[item.news])}: {words.title}" if item.news in NEWS else words.title
    lines = [words.what]
    if whole and words.why:
        lines += ["", speech.say("Why:"), *(f"- {reason}" for reason in words.why)]
    if words.todo:
        numbered = (f"{number}. {one}" for number, one in enumerate(words.todo, 1))
        lines += ["", speech.say("What to do:"), *numbered] * whole
    if words.life:
        lines += [""] * whole + [words.life]
    if whole and site.page_url:
        lines += ["", speech.say(SEE, url=f"{site.page_url.rstrip('/')}/incident?id={quote(item.id)}")]
    return title, [*([] if whole else [title]), *lines, *([""] * whole), f"({item.id})"]


def _of_event(event: AlertEvent, site: Site, speech: Catalogue, kind: str, *, whole: bool) -> tuple[str, list[str]]:
    place, reason = site.place(event.sensor) if event.sensor else event.channel, event.reason
    if event.problem is not None:
        words = verdict_words.said(event.problem, speech.language)
        place = place if event.sensor else words.where
        todo = words.todo if event.cleared is None else ""
        reason = "; ".join(filter(None, (words.word, words.detail, todo)))
    title = f"[{speech.say(KINDS[kind])}] {place}"
    since = site.local(min(event.since, event.raised))
    if event.cleared is None:
        text = speech.say("since {since}: {reason}", since=since, reason=reason)
    else:
        title = speech.say("Over") + f": {title}"
        text = speech.say(
            "over; it was up from {since} to {until}: {reason}",
            since=since,
            until=site.local(event.cleared),
            reason=reason,
        )
    return title, [*([] if whole else [title]), text, f"({event.id})"]


def plain(text: str) -> str:
    """Text without control, format and line characters, of bounded length, so it cannot change the message's form."""
    harmless = messages.plain(text)
    return harmless if len(harmless) <= MOST_LENGTH else harmless[: MOST_LENGTH - 3] + "..."
