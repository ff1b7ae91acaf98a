"""What waits for each address, and when a message may be sent: values and pure functions.

Every address has its own queue. So an unreachable address does not delay the others, and nothing is sent again to one
address because another has not received it.

What there is to tell of an incident is not stored: it follows from the incident as it is now and from what the address
was told of it. Events of the box are stored until they are told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.settings_alerts import SUPPLY, TOLD_KINDS, Person
from common.state_file import Minute
from common.verdict import LEAK, SILENT, TROUBLE, WATCH
from consumer.alerts.box import METHOD, SILENT_LINE, SILENT_SENSOR
from consumer.alerts.events import AlertEvent, event_id
from consumer.alerts.news import News, Said, news, said_now
from incidents.incident import Incident
from incidents.reading import Known

HOUR_S = 3600.0
MOST_WAITING = 200  # events of the box kept for an unreachable address; beyond that only the number of each kind
MOST_SAID = 5_000  # more than a box's file holds: ids of incidents that are in the file are never forgotten
ALONE = 3  # so many news come as a message each; more come as one


class Item(NamedTuple):
    """One piece of news: of an incident, or of the box."""

    id: str
    kind: str  # of `TOLD_KINDS`
    minute: int  # since when
    news: News
    known: Known | None = None
    event: AlertEvent | None = None

    @property
    def wakes(self) -> bool:
        return self.news not in (News.OVER, News.TAKEN)


@dataclass(slots=True)
class Queue:
    """The state of one address.

    Attributes:
        waiting: event id -> an event of the box that was not told yet.
        told: ids of active events of the box that were told; and of events told by a version without incidents.
        said: incident id -> what was told of it.
        due: ids that have waited for the digest, and are told now.
        sent_s: times of the messages of the last hour, in seconds since 1970.
        sent_leaks_s: the same for messages with a new leak, which have a separate limit.
        more: rule -> number of events beyond `MOST_WAITING` that were not kept as text.
        held_since_s: since when the hourly limit has held something back.
        began: UTC minute since which the address is known: what had ended before is not told.
        digest_day: local date of the last digest.
    """

    waiting: dict[str, AlertEvent] = field(default_factory=dict)
    told: dict[str, None] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    due: dict[str, None] = field(default_factory=dict)
    sent_s: list[float] = field(default_factory=list)
    sent_leaks_s: list[float] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)
    held_since_s: float | None = None
    began: Minute = 0
    digest_day: date | None = None

    def add(self, event: AlertEvent) -> None:
        """Add a raise or a clear of the box."""
        told = event.id in self.told
        if (event.cleared is None and not told) or event.id in self.waiting or (event.cleared is not None and told):
            self.waiting[event.id] = event  # an end that was not told as raised: "was up from .. to .."
        while len(self.waiting) > MOST_WAITING:
            least = min(self.waiting.values(), key=lambda event: (event.cleared is None, event.raised))
            del self.waiting[least.id]
            self.told.pop(least.id, None)
            self.more[least.code] = self.more.get(least.code, 0) + 1

    def see(self, event: AlertEvent) -> None:
        """What is seen now of an event that is up: it may wait to be told."""
        if event.id in self.waiting and self.waiting[event.id].cleared is None:
            self.waiting[event.id] = event

    def items(self, incidents: Iterable[Known], person: Person, minute: int) -> list[Item]:
        """All that `person` is to be told and was not yet, the worst first."""
        found = [_of_event(event) for event in self.waiting.values()]
        found += [item for known in incidents if (item := self._of_incident(known, minute))]
        wanted = [item for item in found if item.kind in person.kinds or item.id in self.said or item.id in self.told]
        return sorted(wanted, key=lambda item: (TOLD_KINDS.index(item.kind), item.minute))

    def _of_incident(self, known: Known, minute: int) -> Item | None:
        incident = known.incident
        self._take_over(incident)
        said = self.said.get(incident.id)
        if incident.joined and (said is None or incident.ended is None):
            return None  # told with another one; what was told before has an end
        if said is None and incident.over_told is not None and incident.over_told <= min(self.began, minute):
            return None
        if said and said.flow_m3h is None and incident.size:
            said.flow_m3h = incident.size.flow_m3h  # the first size is no news, what it grows to is
        what = news(known, said, minute)
        return Item(incident.id, incident.severity, incident.began, what, known) if what else None

    def _take_over(self, incident: Incident) -> None:
        """What a version without incidents has told, stays told."""
        ids = {event_id(incident.sensor, sign.channel, sign.code, sign.raised): sign for sign in incident.signs}
        for told in ids.keys() & self.told.keys():
            del self.told[told]
            sign, before = ids[told], self.said.get(incident.id)
            if before is None or sign.raised >= before.minute:
                self.said[incident.id] = Said(incident.kind, sign.severity, sign.raised)

    def digest_due(self, items: Iterable[Item]) -> None:
        """The digest is due: what waits for it is told now."""
        self.due = {item.id: None for item in items}

    def now_due(self, items: Iterable[Item], person: Person, local: datetime) -> list[Item]:
        """Those of `items` that may be told at this hour."""
        due = [item for item in items if not in_digest(item, person) or item.id in self.due]
        if person.sleeps(local):
            due = [item for item in due if item.kind in person.wakes and item.wakes]
        return due

    def batch(self, items: Sequence[Item], now_s: float, per_hour: int) -> list[Item]:
        """Those that go into the next message: each alone, or all if there are many; empty if the limit holds."""
        self.sent_s, self.sent_leaks_s = _last_hour(self.sent_s, now_s), _last_hour(self.sent_leaks_s, now_s)
        if not items:
            return []
        if len(self.sent_leaks_s if _new_leak(items) else self.sent_s) < per_hour:
            alone = len(items) <= ALONE and self.held_since_s is None and not self.more
            return list(items[:1] if alone else items)
        if self.held_since_s is None:
            self.held_since_s = now_s
        return []

    def sent(self, batch: Sequence[Item], now_s: float) -> None:
        """A message with `batch` was accepted."""
        (self.sent_leaks_s if _new_leak(batch) else self.sent_s).append(now_s)
        for item in batch:
            self.due.pop(item.id, None)
            if item.known:
                incident, life = item.known
                self.said[item.id] = said_now(incident, self.said.get(item.id), int(now_s // 60), life)
            else:
                self.waiting.pop(item.id, None)
                self.told.pop(item.id, None) if item.news is News.OVER else self.told.update({item.id: None})
        self.more.clear()
        self.held_since_s = None

    def forget(self, known: Iterable[Known]) -> None:
        """Forget incidents that are in no file any more, the oldest first, if there are many."""
        if len(self.said) > MOST_SAID:
            kept = {one.incident.id for one in known}
            for gone in [name for name in self.said if name not in kept][: len(self.said) - MOST_SAID]:
                del self.said[gone]


def _of_event(event: AlertEvent) -> Item:
    kind = (
        SILENT if event.code in (SILENT_LINE, SILENT_SENSOR) else TROUBLE if event.method == METHOD else event.severity
    )
    return Item(event.id, kind, event.since, News.RAISED if event.cleared is None else News.OVER, event=event)


def _new_leak(items: Iterable[Item]) -> bool:
    return any(item.kind == LEAK and item.wakes for item in items)


def in_digest(item: Item, person: Person) -> bool:
    return bool(person.digest) and item.kind in (WATCH, SUPPLY)


def _last_hour(times_s: Iterable[float], now_s: float) -> list[float]:
    """The times within the last hour; times after now are from before the clock was set back."""
    return [time_s for time_s in times_s if now_s - HOUR_S < time_s <= now_s]


def digest_day(now: datetime, zone: ZoneInfo, at: str, last: date | None) -> date | None:
    """The local date of the digest due at `now`, or None.

    Args:
        at: "HH:MM" in the site's time; "" for no digest.
        last: the date of the last digest; None if there has been none, then the next digest time is used.
    """
    if not at or last is None:
        return None
    local = now.astimezone(zone)
    return local.date() if last < local.date() and local.strftime("%H:%M") >= at else None


def first_digest_day(now: datetime, zone: ZoneInfo, at: str) -> date:
    """The date to use as the last digest if there has been none: today if its time has passed, else yesterday."""
    local = now.astimezone(zone)
    today = local.date()
    return today if not at or local.strftime("%H:%M") >= at else date.fromordinal(today.toordinal() - 1)
