"""Events of the box itself: one for each trouble, each with an id of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from common.clock import minute_start
from common.row import MOST_SENSORS
from common.state_file import Minute
from common.verdict import Problem

BOX = ""  # instead of a sensor: the event is about the box itself

Key = tuple[str, str, str]  # sensor, channel, code


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One problem from its raise to its clear.

    Attributes:
        sensor: its id; empty for the box itself.
        channel: "flow", "pressure" or "both"; for the box, the part of it.
        method: BOX.
        code: the rule.
        severity: "fault".
        since: UTC unix minute at which it probably began.
        raised: UTC unix minute at which it was raised.
        reason: a sentence that an earlier version kept.
        cleared: UTC unix minute at which it was cleared; None while active.
        problem: what it is, with the values that were seen last; None of an earlier version.
    """

    sensor: str
    channel: str
    method: str
    code: str
    severity: str
    since: Minute
    raised: Minute
    reason: str = ""
    cleared: Minute | None = None
    problem: Problem | None = None

    @property
    def key(self) -> Key:
        return (self.sensor, self.channel, self.code)

    @property
    def id(self) -> str:
        """A permanent id, the same in a message that is sent twice."""
        return event_id(self.sensor, self.channel, self.code, self.raised)


def event_id(sensor: str, channel: str, code: str, raised: int) -> str:
    return f"{sensor or 'box'}/{channel}/{code}/{minute_start(raised):%Y%m%dT%H%MZ}"


class EventTracker:
    """The events that are up."""

    def __init__(self, up: Iterable[AlertEvent] = ()) -> None:
        self.up: dict[Key, AlertEvent] = {event.key: event for event in up}

    def put(self, event: AlertEvent) -> AlertEvent:
        self.up[event.key] = event
        while len(self.up) > MOST_SENSORS:
            del self.up[min(self.up.values(), key=lambda event: event.raised).key]
        return event

    def clear(self, event: AlertEvent, minute: int) -> AlertEvent:
        """End an active event."""
        del self.up[event.key]
        return replace(event, cleared=max(minute, event.raised))
