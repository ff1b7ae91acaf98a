"""Tells people when nothing has been heard of a box that delivers to this server, and when it is heard again.

A box can tell much about itself, but not that it is gone. What was told is on disk before anything else is done, so
each silence is told once, also if the server is killed; only between "accepted" and the file it may come twice.
"""

import logging
from collections.abc import Mapping
from datetime import datetime

from common import state_file
from common.clock import minute_of, minute_start
from common.database import Database, statement
from common.errors import LogError
from common.folder import SILENT_BOXES_FILE
from common.logging_setup import quoted
from common.retry import Backoff
from common.runner import Context
from common.settings_alerts import Person
from common.state_file import Minute
from common.verdict import SILENT
from messengers.message import Message
from messengers.messenger import Messengers
from messengers.phrases import say

GONE_MIN = 7 * 1440  # a box that has been silent for a week when it is noticed has been taken away
RETRY = Backoff(first_s=10.0, cap_s=600.0)
LAST_TIMEOUT_S = 10.0

Told = dict[str, dict[str, Minute]]  # name of an address -> site -> UTC minute since when it is silent

_log = logging.getLogger(__name__)


def last_heard(database: Database) -> dict[str, int]:
    """Site -> UTC minute of its newest delivery.

    Raises:
        DatabaseDown: it does not answer.
    """
    with database.transaction(LAST_TIMEOUT_S) as cursor:
        return dict(cursor.execute(statement("received_last")).fetchall())


class SilentBoxes:
    """`heard` is written by who takes the batches; silence counts only after listening for as long."""

    def __init__(self, context: Context, heard: dict[str, int]) -> None:
        settings = context.settings
        self._messengers = Messengers(settings.alerts, context.stop)
        self._people = {name: one for name, one in self._messengers.people.items() if SILENT in one.kinds}
        self._settings, self._clock, self._heard = settings, context.clock, heard
        self._path = context.data / SILENT_BOXES_FILE
        self._told: Told = state_file.load(self._path, Told) or {}
        self._started = minute_of(context.clock.now())
        self._failures: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}
        self.known = not self._people  # whether `know` was called; nobody has to be told: no need

    def know(self, before: Mapping[str, int]) -> None:
        """When each site was heard by the server's earlier lives."""
        for site, minute in before.items():
            self._heard[site] = max(minute, self._heard.get(site, 0))
        self.known = True

    @property
    def counters(self) -> dict[str, int]:
        return {"boxes_silent": len({site for told in self._told.values() for site in told})}

    def step(self, now: datetime) -> None:
        """Tell at most one thing to one address: a messenger may take long.

        Raises:
            LogError: what was told cannot be stored.
        """
        for name, person in self._people.items():
            told = self._told.setdefault(name, {})
            asleep = person.sleeps(now.astimezone(self._settings.site.zone)) and SILENT not in person.wakes
            if asleep or self._clock.monotonic() < self._not_before_s.get(name, 0.0):
                continue
            for site, last in [*self._heard.items()]:
                if site in told and last > told[site]:
                    self._tell(name, site, self._back(person, site, told[site], last), None)
                    return
                if site not in told and self._silent(last, minute_of(now)):
                    self._tell(name, site, self._silence(person, site, last, minute_of(now)), last)
                    return

    def _silent(self, last: int, minute: int) -> bool:
        limit = self._settings.alerts.silent_box_minutes
        return minute - max(last, self._started) >= limit and minute - last < GONE_MIN

    def _tell(self, name: str, site: str, message: Message, since: int | None) -> None:
        problem = self._messengers.send(name, message)
        if problem:
            self._failures[name] = self._failures.get(name, 0) + 1
            self._not_before_s[name] = self._clock.monotonic() + RETRY.wait_s(self._failures[name])
            if self._failures[name] == 1:
                said = f"{self._messengers.shown(name)} does not take messages: {problem}"
                _log.warning("not_told site=%s problem=%s", quoted(site), quoted(said))
            return
        self._failures.pop(name, None)
        if since is None:
            del self._told[name][site]
        else:
            self._told[name][site] = since
        _log.info("%s site=%s", "box_back" if since is None else "box_silent", quoted(site))
        try:
            state_file.store(self._path, self._told)
        except OSError as error:
            raise LogError(f"cannot keep what was told: {quoted(error)}") from error

    def _silence(self, person: Person, site: str, last: int, minute: int) -> Message:
        language = person.language or self._settings.site.language
        title = f"[{say(language, SILENT)}] {site}: {say(language, 'box silent', minutes=minute - last)}"
        return Message(title, say(language, "box silent text", since=self._local(last)), "warning", f"{site}.silent")

    def _back(self, person: Person, site: str, since: int, last: int) -> Message:
        language = person.language or self._settings.site.language
        title = f"{say(language, 'over')}: {site}: {say(language, 'box back')}"
        body = say(language, "box back text", since=self._local(since), until=self._local(last))
        return Message(title, body, "success", f"{site}.silent")

    def _local(self, minute: int) -> str:
        return f"{minute_start(minute).astimezone(self._settings.site.zone):%Y-%m-%d %H:%M}"
