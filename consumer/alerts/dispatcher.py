"""Sends what waits to each address separately; a failed address is tried again later."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from common.clock import Clock, minute_of
from common.logging_setup import quoted
from common.retry import Backoff
from common.settings import Settings
from consumer.alerts.chart import draw
from consumer.alerts.pending import Item, Queue
from consumer.alerts.recent import RecentValues
from consumer.alerts.text import compose, site_of
from incidents.reading import Known
from messengers.messenger import Messengers

# An alarm ten minutes late is still useful; starting the library takes a second.
RETRY = Backoff(first_s=10.0, cap_s=600.0)

_log = logging.getLogger(__name__)


class Dispatcher:
    """See the module."""

    def __init__(self, messengers: Messengers, settings: Settings, clock: Clock, stop: threading.Event) -> None:
        self.recent = RecentValues()
        self.messages = 0
        self.waiting = 0  # news that the fullest queue holds
        self._messengers, self._settings, self._clock, self._stop = messengers, settings, clock, stop
        self._failures: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        self._not_before_s: dict[str, float] = {}

    @property
    def problem(self) -> str:
        return "; ".join(self._problems.values())

    def tell(
        self,
        queues: Mapping[str, Queue],
        incidents: Sequence[Known],
        names: Mapping[str, str],
        now: datetime,
        keep: Callable[[], None],
    ) -> None:
        """Send what is due to each address; `keep` is called after each accepted message.

        `keep` is called at once and not after the last, because the next address may hang for its whole deadline, and a
        kill in that time must not send this message again.
        """
        per_hour, zone = self._settings.alerts.messages_per_hour, self._settings.site.zone
        site = site_of(self._settings, names)
        waiting = []
        for name, person in self._messengers.people.items():
            queue, local = queues[name], now.astimezone(zone)
            language = person.language or site.language
            items = queue.items(incidents, person, minute_of(now))
            while not self._stop.is_set() and self._clock.monotonic() >= self._not_before_s.get(name, 0.0):
                due = queue.now_due(items, person, local)
                batch = queue.batch(due, now.timestamp(), per_hour)
                if not batch:
                    break
                message = compose(batch, queue, site, language, minute_of(now))
                message = replace(message, picture=self._picture(batch, minute_of(now)))
                if not self._judge(name, self._messengers.send(name, message), batch):
                    break
                queue.sent(batch, now.timestamp())
                items = [item for item in items if item not in batch]
                self.messages += 1
                keep()
            waiting.append(len(items))
        self.waiting = max(waiting, default=0)

    def _picture(self, batch: Sequence[Item], minute: int) -> bytes:
        """The last day at the point of a single incident."""
        if len(batch) != 1 or batch[0].known is None:
            return b""
        incident = batch[0].known.incident
        values = self.recent.day(incident.sensor, incident.channel, minute)
        zone = self._settings.site.zone
        return draw(values, minute, incident.began, incident.ended, zone, channel=incident.channel)

    def _judge(self, name: str, problem: str, batch: Sequence[Item]) -> bool:
        """Whether the message was accepted."""
        shown = self._messengers.shown(name)
        if not problem:
            _log.info("told messenger=%s events=%s", quoted(shown), quoted(",".join(item.id for item in batch)))
            self._failures.pop(name, None)
            self._problems.pop(name, None)
            return True
        self._failures[name] = self._failures.get(name, 0) + 1
        self._not_before_s[name] = self._clock.monotonic() + RETRY.wait_s(self._failures[name])
        said = f"{shown} does not take messages: {problem}"
        if said != self._problems.get(name) and not self._stop.is_set():
            _log.warning("not_told events=%d problem=%s", len(batch), quoted(said))
        self._problems[name] = said
        return False
