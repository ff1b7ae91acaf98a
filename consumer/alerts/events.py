"""Events from the rows' flags and the findings: one event per problem, each with a unique id.

A finding counts when its row has been read. If the findings are lost, the flags are used: a LEAK letter at once, a
letter that may be provisional (the first missing minutes, a held spike) after a while.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from common.clock import minute_start
from common.row import MOST_SENSORS, Row
from common.state_file import Minute
from outliers.findings import RAISE, Finding, explaining, shows
from outliers.findings_text import text
from outliers.flags import FAULT, LEAK, METHODS, Flag, explain

BOX = ""  # instead of a sensor: the event is about the box itself
QUIET_MIN = 60  # minutes without the flag that end an event, whatever the findings say: a fault flags only bad rows
PROVISIONAL_MIN = 30  # minutes after which a letter without a finding counts; the methods need far less
KNOWN = 500  # remembered ids of past events, so repeated rows raise nothing again

Key = tuple[str, str, str]  # sensor, channel, code


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One problem from its raise to its clear.

    Attributes:
        sensor: its id; empty for the box itself.
        channel: "flow", "pressure" or "both"; for the box, the part of it.
        method: SYSTEM, VALUE, PREDICT, NIGHT; BOX.
        code: the rule.
        severity: "watch", "leak", "fault" or "supply"; "planned" is tracked but not sent.
        since: UTC unix minute at which it probably began.
        raised: UTC unix minute at which it was raised.
        letter: the flag, for an event known only from a flag; otherwise empty.
        cleared: UTC unix minute at which it was cleared; None while active.
    """

    sensor: str
    channel: str
    method: str
    code: str
    severity: str
    since: Minute
    raised: Minute
    reason: str
    letter: str = ""
    cleared: Minute | None = None
    cleared_reason: str = ""

    @property
    def key(self) -> Key:
        return (self.sensor, self.channel, self.code)

    @property
    def id(self) -> str:
        """A permanent id, the same in a message that is sent twice."""
        return f"{self.sensor or 'box'}/{self.channel}/{self.code}/{minute_start(self.raised):%Y%m%dT%H%MZ}"


class EventTracker:
    """Tracks the rows in order. The active events are stored state; the recent observations are only in memory."""

    def __init__(self, up: Iterable[AlertEvent] = (), known: Iterable[str] = ()) -> None:
        self.up: dict[Key, AlertEvent] = {event.key: event for event in up}
        self.known: dict[str, None] = dict.fromkeys(known)  # ids, oldest first
        self._last: dict[str, int] = {}  # sensor -> minute of its last row
        self._since: dict[tuple[str, Flag], int] = {}  # a letter without an event -> its first minute
        self._quiet: dict[Key, int] = {}  # an event without its letter -> the first such minute
        self._findings: Sequence[Finding] = ()
        self._of: dict[str, list[Finding]] = {}  # sensor -> its findings

    def row(self, row: Row, findings: Sequence[Finding]) -> list[AlertEvent]:
        """The events raised or cleared with this row. `findings` are the newest ones, oldest first."""
        self._index(findings)
        changed = [event for finding in self._new(row) for event in self.finding(finding)]
        flags = {*explain("flow", row.flow_flags), *explain("pressure", row.pressure_flags)}
        if flags or self.up or self._since:
            changed += self._unexplained(row, flags)
            changed += self._over(row, flags)
        return changed

    def finding(self, finding: Finding) -> Iterator[AlertEvent]:
        """The events that a finding raises or clears."""
        if finding.state == RAISE:
            event = _of_finding(finding)
            if event.key not in self.up and event.id not in self.known:
                yield self.put(event)
            return
        for event in [*self.up.values()]:
            same = event.key == (finding.sensor, finding.channel, finding.code)
            if same or (event.letter and _alike(event, finding)):
                yield self.clear(event, finding.minute, text(finding))

    def put(self, event: AlertEvent) -> AlertEvent:
        self.up[event.key] = event
        while len(self.up) > MOST_SENSORS:
            least = min(self.up.values(), key=lambda event: (event.severity == LEAK, event.raised))
            del self.up[least.key]
            self._quiet.pop(least.key, None)
        return event

    def clear(self, event: AlertEvent, minute: int, reason: str) -> AlertEvent:
        """End an active event."""
        del self.up[event.key]
        self._quiet.pop(event.key, None)
        self.known[event.id] = None
        while len(self.known) > KNOWN:
            del self.known[next(iter(self.known))]
        return replace(event, cleared=max(minute, event.raised), cleared_reason=reason)

    def _index(self, findings: Sequence[Finding]) -> None:
        if findings is self._findings:
            return
        self._findings, self._of = findings, {}
        for finding in findings:
            self._of.setdefault(finding.sensor, []).append(finding)

    def _new(self, row: Row) -> list[Finding]:
        """The sensor's findings since its last row, so those of a lost row are included."""
        last = self._last.pop(row.sensor, row.minute - 1)
        self._last[row.sensor] = row.minute  # newest last
        while len(self._last) > MOST_SENSORS:
            self._forget(next(iter(self._last)))
        last = min(last, row.minute - 1)  # after the clock was set back
        own = self._of.get(row.sensor)
        if not own or own[-1].minute <= last:
            return []
        return [finding for finding in own if last < finding.minute <= row.minute]

    def _forget(self, sensor: str) -> None:
        """Forget the sensor that has been silent longest; its active events stay."""
        del self._last[sensor]
        for place in [place for place in self._since if place[0] == sensor]:
            del self._since[place]

    def _unexplained(self, row: Row, flags: set[Flag]) -> Iterator[AlertEvent]:
        """Letters without an event: the alerts started in the middle of one, or its finding is lost."""
        for place in [place for place in self._since if place[0] == row.sensor and place[1] not in flags]:
            del self._since[place]
        for flag in sorted(flags, key=lambda flag: (flag.channel, flag.position)):
            if any(_shows(event, row.sensor, flag) for event in self.up.values()):
                self._since.pop((row.sensor, flag), None)
                continue
            event = self._found(row, flag)
            since = self._since.setdefault((row.sensor, flag), row.minute)
            if event is None and (flag.severity == LEAK or row.minute - since >= PROVISIONAL_MIN):
                event = _of_flag(row, flag, since)
            if event is not None and event.key not in self.up and event.id not in self.known:
                self._since.pop((row.sensor, flag), None)
                yield self.put(event)

    def _found(self, row: Row, flag: Flag) -> AlertEvent | None:
        """The newest finding active at the row that matches the letter."""
        finding = explaining(self._of.get(row.sensor, ()), row.sensor, row.minute, flag)
        return _of_finding(finding) if finding else None

    def _over(self, row: Row, flags: set[Flag]) -> Iterator[AlertEvent]:
        """Events whose letters have been gone for long: their clear is lost."""
        for event in [event for event in self.up.values() if event.sensor == row.sensor and event.method in METHODS]:
            if any(_shows(event, row.sensor, flag) for flag in flags):
                self._quiet.pop(event.key, None)
            elif row.minute - self._quiet.setdefault(event.key, row.minute) >= QUIET_MIN:
                yield self.clear(event, self._quiet[event.key], "the rows are no longer flagged")


def _of_finding(finding: Finding) -> AlertEvent:
    return AlertEvent(
        sensor=finding.sensor,
        channel=finding.channel,
        method=finding.method,
        code=finding.code,
        severity=finding.severity,
        since=finding.since,
        raised=finding.minute,
        reason=text(finding),
    )


def _of_flag(row: Row, flag: Flag, since: int) -> AlertEvent:
    return AlertEvent(
        sensor=row.sensor,
        channel=flag.channel,
        method=flag.method,
        code=f"{flag.method}-{flag.letter}",
        severity=flag.severity,
        since=since,
        raised=since,
        reason=flag.meaning,
        letter=flag.letter,
    )


def _shows(event: AlertEvent, sensor: str, flag: Flag) -> bool:
    """Whether the letter belongs to this event."""
    return shows(event, sensor, flag) and event.letter in ("", flag.letter)


def _alike(event: AlertEvent, finding: Finding) -> bool:
    return (event.sensor, event.channel, event.method, event.severity) == (
        finding.sensor,
        finding.channel,
        finding.method,
        finding.severity,
    )


def urgent(event: AlertEvent) -> bool:
    """LEAK and FAULT are sent at once; the others go into the digest."""
    return event.severity in (LEAK, FAULT)
