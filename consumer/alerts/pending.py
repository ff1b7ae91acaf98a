"""The events waiting for each address, and when a message may be sent: values and pure functions.

Every address in `alerts.urls` has its own queue. So an unreachable address does not delay the others, and an event is
not sent again to one address because another has not received it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from consumer.alerts.events import AlertEvent, urgent
from outliers.flags import LEAK, PLANNED

HOUR_S = 3600.0
MOST_WAITING = 200  # events kept as text for an unreachable address; beyond that only the number of each kind


@dataclass(slots=True)
class Queue:
    """The state of one address.

    Attributes:
        waiting: event id -> the event for the next message.
        quiet: the same for the next digest.
        told: ids of active events that were sent as raised.
        sent_s: times of the messages of the last hour, in seconds since 1970.
        sent_leaks_s: the same for messages with a new leak, which have a separate limit.
        more: rule -> number of events beyond `MOST_WAITING` that were not kept as text.
        held_since_s: since when the hourly limit has held events back.
    """

    waiting: dict[str, AlertEvent] = field(default_factory=dict)
    quiet: dict[str, AlertEvent] = field(default_factory=dict)
    told: dict[str, None] = field(default_factory=dict)
    sent_s: list[float] = field(default_factory=list)
    sent_leaks_s: list[float] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)
    held_since_s: float | None = None

    def add(self, event: AlertEvent, *, digest: bool) -> None:
        """Add a raise or a clear; WATCH and SUPPLY only with a digest, planned ones never."""
        if event.severity == PLANNED or (not urgent(event) and not digest):
            return
        waiting = self.waiting if urgent(event) or event.id in self.waiting else self.quiet
        if event.cleared is None:
            if event.id not in self.told:
                waiting[event.id] = event
        elif event.id in waiting or event.id in self.told:
            waiting[event.id] = event  # not sent yet: "was up from .. to .."; sent: "over"
        self._bound(waiting)

    def digest_due(self) -> None:
        """The digest is due: its events are sent now."""
        self.waiting.update(self.quiet)
        self.quiet.clear()

    def may_send(self, now_s: float, per_hour: int) -> bool:
        """Whether events wait and the limit allows a message; records since when it does not."""
        self.sent_s, self.sent_leaks_s = _last_hour(self.sent_s, now_s), _last_hour(self.sent_leaks_s, now_s)
        if not self.waiting:
            return False
        if len(self.sent_leaks_s if self._new_leak() else self.sent_s) < per_hour:
            return True
        if self.held_since_s is None:
            self.held_since_s = now_s
        return False

    def sent(self, now_s: float) -> None:
        """A message with all waiting events was accepted."""
        (self.sent_leaks_s if self._new_leak() else self.sent_s).append(now_s)
        for event in self.waiting.values():
            if event.cleared is None:
                self.told[event.id] = None
            else:
                self.told.pop(event.id, None)
        self.waiting.clear()
        self.more.clear()
        self.held_since_s = None

    def _bound(self, waiting: dict[str, AlertEvent]) -> None:
        """Drop the text of the oldest events: ended ones first, leaks last."""
        while len(waiting) > MOST_WAITING:
            least = min(
                waiting.values(), key=lambda event: (event.severity == LEAK, event.cleared is None, event.raised)
            )
            del waiting[least.id]
            self.told.pop(least.id, None)
            self.more[least.code] = self.more.get(least.code, 0) + 1

    def _new_leak(self) -> bool:
        return any(event.severity == LEAK and event.id not in self.told for event in self.waiting.values())


def newcomer(up: Iterable[AlertEvent], *, digest: bool) -> Queue:
    """The queue of a new address: active events wait for it, ended ones do not."""
    queue = Queue()
    for event in up:
        queue.add(event, digest=digest)
    return queue


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
