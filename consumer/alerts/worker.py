"""The group "alerts": tells people of the incidents and of the box's own troubles.

    rows in the log -> news of the incidents -> a message to each address -> accepted -> alerts_state.json -> commit

The rows are only the trigger, and a chart: what they mean stands in the producer's incidents. An unreachable address
delays neither the rows nor the other addresses. Only if the process is killed between "accepted" and the state is the
same news sent again, with the same id.
"""

import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from common.clock import minute_of
from common.logging_setup import quoted
from common.runner import Context
from common.sensor_names import SensorNames
from common.settings_alerts import GROUP, SUPPLY
from common.verdict import WATCH
from consumer.alerts import state as alerts_state
from consumer.alerts.box import Watch, conditions
from consumer.alerts.dispatcher import Dispatcher
from consumer.alerts.events import AlertEvent, EventTracker
from consumer.alerts.known import KnownIncidents
from consumer.alerts.pending import Queue, digest_day, first_digest_day
from consumer.alerts.reports import MonthlyReports
from consumer.source import LogSource
from incidents.reading import Known
from messengers.messenger import Messengers
from situation import snapshot

POLL_ROWS = 1000
WORK_S = 5.0  # real seconds of reading per step; then what was found is sent
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
        messengers = Messengers(settings.alerts, context.stop)
        messengers.check()
        if warning := open_settings(config):
            _log.warning("settings_open problem=%s", quoted(warning))
        self._context = context
        self._once = once
        self._people = messengers.people
        self._dispatcher = Dispatcher(messengers, settings, context.clock, context.stop)
        self._reports = MonthlyReports(context, messengers)
        self._incidents, self._names = KnownIncidents(context.data), SensorNames(context.data)
        self._state = alerts_state.load(context.data)
        self._tracker = EventTracker(self._state.up)
        known = [name for name, queue in self._state.queues.items() if queue.began]
        self._state.queues = {name: self._queue(name, context.clock.now()) for name in self._people}
        self._changed = known != [*self._people]  # since when an address is known has to survive a restart
        self._watch = Watch(minute_of(context.clock.now()))
        self._counts: Counter[str] = Counter(events_raised=0, events_cleared=0)

    def _queue(self, name: str, now: datetime) -> Queue:
        """The queue of an address: as it was, or a new one, which waits for what is up."""
        queue = self._state.queues.get(name)
        if queue is None:
            queue = Queue()
            for event in self._tracker.up.values():
                queue.add(event)
        queue.began = queue.began or minute_of(now)
        if queue.digest_day is None:
            queue.digest_day = first_digest_day(now, self._context.settings.site.zone, self._people[name].digest)
        return queue

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Read all waiting rows, send messages, store the state, commit.

        Raises:
            LogError: the log cannot be read, or the state or the commit cannot be written.
        """
        self._source.open()
        self._source.rewind()
        log, group = self._source.log, self._source.group
        give_back_s = time.monotonic() + WORK_S
        while not self._context.stop.is_set() and (records := group.poll(POLL_ROWS)):
            self._dispatcher.recent.add(records, minute_of(now))
            if time.monotonic() >= give_back_s and not self._once:
                break
        incidents = self._incidents.now(minute_of(now))
        self._note(self._of_box(now))
        self._digest(now, incidents)
        self._dispatcher.tell(self._state.queues, incidents, self._names.now(), now, self._store)
        for queue in self._state.queues.values():
            queue.forget(incidents)
        if self._changed:
            self._store()
        if group.position != group.committed:
            group.commit(group.position)
            log.trim()
        self._reports.step(now, wait=self._once)
        return self._counters()

    def close(self) -> None:
        self._reports.close()
        self._source.close()

    # --- the box

    def _of_box(self, now: datetime) -> list[AlertEvent]:
        settings, tracker, minute = self._context.settings, self._tracker, minute_of(now)
        patience = max(settings.alerts.silent_minutes, settings.line.quiet_minutes)
        found = conditions(snapshot.take(settings, self._context.clock), settings, tracker.up)
        for event in self._watch.seen(found, tracker.up):
            tracker.put(event)
            for queue in self._state.queues.values():
                queue.see(event)
        raised = [tracker.put(event) for event in self._watch.raised(found, tracker.up, minute, patience)]
        over = [tracker.clear(event, minute) for event in self._watch.over(found, tracker.up, minute)]
        return [*raised, *over]

    def _note(self, events: Iterable[AlertEvent]) -> None:
        """Add events of the box to the queue of every address."""
        for event in events:
            raised = event.cleared is None
            self._counts["events_raised" if raised else "events_cleared"] += 1
            self._changed = True
            _log.info("%s event=%s", "event_raised" if raised else "event_cleared", quoted(event.id))
            for queue in self._state.queues.values():
                queue.add(event)

    def _digest(self, now: datetime, incidents: Sequence[Known]) -> None:
        zone = self._context.settings.site.zone
        for name, person in self._people.items():
            queue = self._state.queues[name]
            if day := digest_day(now, zone, person.digest, queue.digest_day):
                queue.digest_day, self._changed = day, True
                items = queue.items(incidents, person, minute_of(now))
                queue.digest_due(item for item in items if item.kind in (WATCH, SUPPLY))

    # --- state

    def _store(self) -> None:
        """Store the state; if the disk refuses, the next step tries again."""
        self._changed = True
        self._state.up = [*self._tracker.up.values()]
        alerts_state.store(self._context.data, self._state)
        self._changed = False

    def _counters(self) -> dict[str, Any]:
        return {
            **self._counts,
            "events_up": len(self._tracker.up),
            "waiting": self._dispatcher.waiting,
            "messages_sent": self._dispatcher.messages,
            "lag": self._source.group.lag,
            "reports_sent": self._reports.sent,
            "problem": "; ".join(filter(None, (self._dispatcher.problem, self._reports.problem))),
        }


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
