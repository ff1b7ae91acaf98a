"""What each messenger still has to be told, and when a message may go: values and pure functions.

Every address of `alerts.urls` has a queue of its own, so that one that is away holds back no other, and an event that
one has been told is not told again because another has not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from consumer.alerts.events import AlertEvent, urgent
from outliers.flags import LEAK, PLANNED

HOUR_S = 3600.0
MOST_WAITING = 200  # events kept in words for one messenger that is away; of more only how many of each kind


@dataclass(slots=True)
class Queue:
    """One messenger's state.

    Attributes:
        waiting: event id -> the event as it is to be told in the next message.
        quiet: the same for the next digest.
        told: ids of events that were told as raised and are up.
        sent_s: times of the messages of the last hour, in seconds since 1970.
        sent_leaks_s: of those with a new leak; they have an allowance of their own.
        more: rule -> how many events above `MOST_WAITING` were not kept in words.
        held_since_s: since when the limit of messages an hour has held events back.
    """

    waiting: dict[str, AlertEvent] = field(default_factory=dict)
    quiet: dict[str, AlertEvent] = field(default_factory=dict)
    told: dict[str, None] = field(default_factory=dict)
    sent_s: list[float] = field(default_factory=list)
    sent_leaks_s: list[float] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)
    held_since_s: float | None = None

    def add(self, event: AlertEvent, *, digest: bool) -> None:
        """Take in a raise or a clear; WATCH and SUPPLY only if there is a digest for them, never what was planned."""
        if event.severity == PLANNED or (not urgent(event) and not digest):
            return
        waiting = self.waiting if urgent(event) or event.id in self.waiting else self.quiet
        if event.cleared is None:
            if event.id not in self.told:
                waiting[event.id] = event
        elif event.id in waiting or event.id in self.told:
            waiting[event.id] = event  # not told yet: "was up from .. to .."; told: "over"
        self._bound(waiting)

    def digest_due(self) -> None:
        """The hour of the digest: what was quiet is told now."""
        self.waiting.update(self.quiet)
        self.quiet.clear()

    def may_send(self, now_s: float, per_hour: int) -> bool:
        """Whether something waits and the limit allows a message; remembers since when it does not."""
        self.sent_s, self.sent_leaks_s = _last_hour(self.sent_s, now_s), _last_hour(self.sent_leaks_s, now_s)
        if not self.waiting:
            return False
        if len(self.sent_leaks_s if self._new_leak() else self.sent_s) < per_hour:
            return True
        if self.held_since_s is None:
            self.held_since_s = now_s
        return False

    def sent(self, now_s: float) -> None:
        """A message with everything that waited was taken."""
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
        """Give up the words of the oldest events, first of those that are over, last of leaks."""
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
    """The queue of an address that has only now been named: what is up waits for it, what is over does not."""
    queue = Queue()
    for event in up:
        queue.add(event, digest=digest)
    return queue


def _last_hour(times_s: Iterable[float], now_s: float) -> list[float]:
    """Times after now are of a clock that was set back."""
    return [time_s for time_s in times_s if now_s - HOUR_S < time_s <= now_s]


def digest_day(now: datetime, zone: ZoneInfo, at: str, last: date | None) -> date | None:
    """The local date whose digest is due at `now`, or None.

    Args:
        at: "HH:MM" in the site's time; "" for no digest.
        last: the date of the last digest; None if there has never been one, then today's hour is waited for.
    """
    if not at or last is None:
        return None
    local = now.astimezone(zone)
    return local.date() if last < local.date() and local.strftime("%H:%M") >= at else None


def first_digest_day(now: datetime, zone: ZoneInfo, at: str) -> date:
    """What counts as the last digest when there has never been one: today if its hour has passed, else yesterday."""
    local = now.astimezone(zone)
    today = local.date()
    return today if not at or local.strftime("%H:%M") >= at else date.fromordinal(today.toordinal() - 1)
