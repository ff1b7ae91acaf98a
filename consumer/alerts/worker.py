"""The group "alerts": finds raised and cleared events in the rows, and tells people.

    rows in the log -> events -> a message to each address -> accepted -> alerts_state.json -> commit -> log trimmed

An unreachable address delays neither the rows nor the other addresses: its events wait in the state. Only if the
process is killed between "accepted" and the state are the same events sent again, with the same ids.
"""

import logging
import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from common.clock import Clock, minute_of
from common.errors import RowRefused
from common.false_rows import FalseRows
from common.logging_setup import quoted
from common.retry import Backoff
from common.row import parse_payload
from common.runner import Context
from common.settings import Settings
from consumer.alerts import state as alerts_state
from consumer.alerts.box import Watch, conditions
from consumer.alerts.events import AlertEvent, EventTracker
from consumer.alerts.messenger import Messengers
from consumer.alerts.pending import Queue, digest_day, first_digest_day, newcomer
from consumer.alerts.text import compose
from consumer.outliers import FindingsFile
from consumer.source import LogSource
from log.roles import Group, Log, Record
from outliers.findings import Finding
from situation import snapshot

GROUP = "alerts"
POLL_ROWS = 1000
WORK_S = 5.0  # real seconds of reading per step; then the events found so far are sent
RETRY = Backoff(
    first_s=10.0, cap_s=600.0
)  # an alarm ten minutes late is still useful; starting the library takes a second
URLS_VARIABLE = "HYDROLOG_ALERTS__URLS"

_log = logging.getLogger(__name__)


class Alerts:
    """See `common.runner.Worker`."""

    def __init__(self, context: Context, *, once: bool = False, config: Path | None = None) -> None:
        """Check the settings; nothing is opened yet.

        Raises:
            SettingsError: the group is not in `log.groups`, or an address is missing or cannot be parsed.
        """
        settings = context.settings
        self._source = LogSource(settings, GROUP)
        messengers = Messengers(settings.alerts.urls, context.stop)
        messengers.check()
        if warning := open_settings(config):
            _log.warning("settings_open problem=%s", quoted(warning))
        self._context = context
        self._once = once
        self._findings = FindingsFile(context.data)
        self._false_rows = FalseRows(context.data)
        self._state = alerts_state.load(context.data)
        self._tracker = EventTracker(self._state.up, self._state.known)
        self._desk = Dispatcher(
            messengers, alerts_state.names(messengers.owners), settings, context.clock, context.stop
        )
        up, kept, digest = self._state.up, self._state.queues, bool(settings.alerts.digest)
        self._state.queues = {name: kept.get(name) or newcomer(up, digest=digest) for name in self._desk.names}
        self._watch = Watch(minute_of(context.clock.now()))
        self._counts: Counter[str] = Counter(events_raised=0, events_cleared=0, not_rows=0)
        self._changed = False

    _read_to = 0  # rows before this offset are in the tracker
    _newest = 0  # minute of the newest row in the tracker

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Read all waiting rows, send messages, store the state, commit.

        Raises:
            LogError: the log cannot be read, or the state or the commit cannot be written.
        """
        self._source.open(self._prepare)
        self._source.rewind()
        log, group = self._source.log, self._source.group
        give_back_s = time.monotonic() + WORK_S
        while not self._context.stop.is_set() and (records := group.poll(POLL_ROWS)):
            findings = self._findings.now()
            self._false_rows.refresh()
            for record in records:
                self._note(self._of_row(log, record, findings))
            if time.monotonic() >= give_back_s and not self._once:
                break
        self._note(self._of_box(now))
        self._digest(now)
        self._desk.tell(self._state.queues, now, lambda: self._keep(log))
        if self._changed:
            self._store(log)
        if group.position != group.committed:
            group.commit(group.position)
            log.trim()
        return self._counters()

    def close(self) -> None:
        self._source.close()

    def _prepare(self, log: Log, _group: Group) -> None:
        if self._state.log_id == log.log_id:
            self._read_to = self._state.offset

    # --- events

    def _of_row(self, log: Log, record: Record, findings: Sequence[Finding]) -> list[AlertEvent]:
        if record.offset < self._read_to:
            return []  # already read, but the step or the process ended before its commit
        self._read_to, state = record.offset + 1, self._state
        try:
            row = parse_payload(record.payload)
        except RowRefused:
            self._counts["not_rows"] += 1  # the archive sets it aside
            return []
        if self._false_rows.has(log.id_of(record.offset), record.offset, row.minute):
            return []
        if state.log_id not in ("", log.log_id) and row.minute <= state.minute:
            return []  # a log with a new id may still hold rows already handled
        self._newest = max(self._newest, row.minute)
        return self._tracker.row(row, findings)

    def _of_box(self, now: datetime) -> list[AlertEvent]:
        settings, tracker, minute = self._context.settings, self._tracker, minute_of(now)
        patience = max(settings.alerts.silent_minutes, settings.line.quiet_minutes)
        found = conditions(snapshot.take(settings, self._context.clock), settings, tracker.up)
        raised = [tracker.put(event) for event in self._watch.raised(found, tracker.up, minute, patience)]
        over = [tracker.clear(event, minute, "") for event in self._watch.over(found, tracker.up, minute)]
        return [*raised, *over]

    def _note(self, events: Iterable[AlertEvent]) -> None:
        """Add events to the queue of every address."""
        digest = bool(self._context.settings.alerts.digest)
        for event in events:
            raised = event.cleared is None
            self._counts["events_raised" if raised else "events_cleared"] += 1
            self._changed = True
            _log.info("%s event=%s", "event_raised" if raised else "event_cleared", quoted(event.id))
            for queue in self._state.queues.values():
                queue.add(event, digest=digest)

    def _digest(self, now: datetime) -> None:
        zone, at = self._context.settings.site.zone, self._context.settings.alerts.digest
        if self._state.digest_day is None:
            self._state.digest_day = first_digest_day(now, zone, at)
        elif day := digest_day(now, zone, at, self._state.digest_day):
            self._state.digest_day, self._changed = day, True
            for queue in self._state.queues.values():
                queue.digest_due()

    # --- state

    def _keep(self, log: Log) -> None:
        """Store that a message was accepted; if the disk refuses, the next step tries again."""
        self._changed = True
        self._store(log)

    def _store(self, log: Log) -> None:
        state, tracker = self._state, self._tracker
        state.log_id, state.offset = log.log_id, self._read_to
        state.minute = max(state.minute, self._newest)
        state.up, state.known = [*tracker.up.values()], [*tracker.known]
        alerts_state.store(self._context.data, state)
        self._changed = False

    def _counters(self) -> dict[str, Any]:
        return {
            **self._counts,
            "events_up": len(self._tracker.up),
            "waiting": max((len(queue.waiting) for queue in self._state.queues.values()), default=0),
            "messages_sent": self._desk.messages,
            "lag": self._source.group.lag,
            "problem": self._desk.problem,
        }


class Dispatcher:
    """Sends the waiting events to each address separately; a failed address is tried again later."""

    def __init__(
        self, messengers: Messengers, names: list[str], settings: Settings, clock: Clock, stop: threading.Event
    ) -> None:
        self.names, self.messages = names, 0
        self._messengers, self._settings, self._clock, self._stop = messengers, settings, clock, stop
        self._failures = [0] * len(names)
        self._problems = [""] * len(names)
        self._not_before_s = [0.0] * len(names)

    @property
    def problem(self) -> str:
        return "; ".join(filter(None, self._problems))

    def tell(self, queues: Mapping[str, Queue], now: datetime, keep: Callable[[], None]) -> None:
        """Send one message to each address that is due; `keep` is called after each accepted message.

        `keep` is called at once and not after the last, because the next address may hang for its whole deadline, and a
        kill in that time must not send this message again.
        """
        for place, name in enumerate(self.names):
            queue, per_hour = queues[name], self._settings.alerts.messages_per_hour
            if self._stop.is_set() or self._clock.monotonic() < self._not_before_s[place]:
                continue
            if queue.may_send(now.timestamp(), per_hour):
                message = compose(queue, self._settings.site.id, self._settings.site.zone, per_hour)
                problem = self._messengers.send(place, message)
                self._judge(place, problem, len(queue.waiting))
                if not problem:
                    queue.sent(now.timestamp())
                    self.messages += 1
                    keep()

    def _judge(self, place: int, problem: str, events: int) -> None:
        name = self._messengers.name(place)
        if not problem:
            _log.info("told messenger=%s events=%d", quoted(name), events)
            self._failures[place], self._problems[place] = 0, ""
            return
        self._failures[place] += 1
        self._not_before_s[place] = self._clock.monotonic() + RETRY.wait_s(self._failures[place])
        said = f"{name} does not take messages: {problem}"
        if said != self._problems[place] and not self._stop.is_set():
            _log.warning("not_told events=%d problem=%s", events, quoted(said))
        self._problems[place] = said


def open_settings(config: Path | None, environ: Mapping[str, str] = os.environ) -> str:
    """A warning if everybody can read the file with the addresses and passwords; otherwise ""."""
    named = config or (Path(environ["HYDROLOG_CONFIG"]) if environ.get("HYDROLOG_CONFIG") else None)
    if named is None or environ.get(URLS_VARIABLE):
        return ""
    try:
        mode = stat.S_IMODE(named.stat().st_mode)
    except OSError:
        return ""
    return f"{named} holds passwords and can be read by everybody; run: chmod o-rwx {named}" if mode & 0o007 else ""
