"""Tells people when nothing has been heard of a box that delivers to this server, and when it is heard again.

A box can tell much about itself, but not that it is gone. What was told is on disk before anything else is done, so
each silence is told once, also if the server is killed; only between "accepted" and the file it may come twice.
"""

import logging
import math
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from common import state_file
from common.clock import local_text, minute_of, minute_start
from common.database import Database, statement
from common.errors import LogError
from common.folder import SILENT_BOXES_FILE
from common.logging_setup import quoted
from common.messages import Catalogue, message, words
from common.retry import Backoff
from common.runner import Context
from common.settings_alerts import Person
from common.state_file import Minute
from common.verdict import SILENT
from messengers.message import Message
from messengers.messenger import Messengers
from situation.sites import Hearing, SilenceLimits, hearing, silence_limits
from situation.topic import PartitionState, behind_s

RETRY = Backoff(first_s=10.0, cap_s=600.0)
HEARD_TIMEOUT_S = 10.0
ASK_S = 30.0  # real seconds between two questions to the database
GATHER_S = 300.0  # after a message: a network that fails silences many boxes, each at its own minute
BREAK_MIN = 10  # that the reading of a topic may be behind: more, and the cluster may have been away
MOST_LISTED = 30
MANY = "many.silent"

NO_DATA, OVER = message("no data"), message("Over")
BOX_SILENT = message(
    "Nothing has been heard of this box since {since}. Its power, its connection or the box itself may have failed: "
    "nobody watches its meters until it reports again. Call the site, or go there."
)
BOXES_SILENT = message(
    "Nothing has been heard of these boxes. If they share a network or a server, look there first. Nobody watches "
    "their meters until they report again. Heard last:"
)
BOX_BACK = message(
    "The box delivers again. It was silent from {since} to {until}; rows that it kept follow by themselves."
)

Told = dict[str, dict[str, Minute]]  # name of an address -> site -> UTC minute since when it is silent

_log = logging.getLogger(__name__)


class HeardSites(NamedTuple):
    """What the database knows.

    Attributes:
        sites: the UTC minute of each site's newest delivery, on whatever way it came.
        through: the UTC minute up to which the topic of a center has been read; None = there is no topic.
    """

    sites: Mapping[str, int]
    through: int | None


def heard(database: Database) -> HeardSites:
    """When each site was heard.

    Raises:
        DatabaseDown: it does not answer.
    """
    with database.transaction(HEARD_TIMEOUT_S) as cursor:
        sites = dict(cursor.execute(statement("sites_heard")).fetchall())
        topic = [PartitionState(*row) for row in cursor.execute(statement("topic_state"))]
        row = cursor.execute("SELECT floor(extract(epoch FROM now()) / 60)::bigint").fetchone()
    if not topic or row is None:
        return HeardSites(sites, None)
    behind = behind_s(topic)
    return HeardSites(sites, row[0] - math.ceil(behind / 60) if math.isfinite(behind) else 0)


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
        self._through: int | None = None
        self._failures: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}
        self._ask_s = 0.0

    @property
    def wants_to_know(self) -> bool:
        """Whether it is time for `know`."""
        return bool(self._people) and time.monotonic() >= self._ask_s

    def know(self, found: HeardSites) -> None:
        """What was heard elsewhere: by earlier lives of the server, by others, by those who read a topic."""
        self._through, now = found.through, minute_of(self._clock.now())
        for site, minute in found.sites.items():  # none was heard in the future: a clock was wrong then
            self._heard[site] = min(max(minute, self._heard.get(site, 0)), now)
        if self._through is not None and now - self._through > BREAK_MIN:
            self._started = now  # who could not deliver meanwhile has as long as ever to do so again
        self._ask_s = time.monotonic() + ASK_S

    @property
    def counters(self) -> dict[str, int]:
        return {"boxes_silent": len({site for told in self._told.values() for site in told})}

    def step(self, now: datetime) -> None:
        """Tell at most one thing to one address: a messenger may take long. What comes up meanwhile is told together.

        Raises:
            LogError: what was told cannot be stored.
        """
        for name, person in self._people.items():
            told = self._told.setdefault(name, {})
            asleep = person.sleeps(now.astimezone(self._settings.site.zone)) and SILENT not in person.wakes
            if asleep or self._clock.monotonic() < self._not_before_s.get(name, 0.0):
                continue
            silent, back = self._news(told, minute_of(now))
            if silent:
                self._tell(name, self._silence(person, silent, minute_of(now)), silent)
            elif back:
                self._tell(name, self._back(person, back, told), dict.fromkeys(back))

    def _news(self, told: Mapping[str, int], minute: int) -> tuple[dict[str, int], dict[str, int]]:
        """Whose silence, and whose return is to be told, with the minute when they were heard last."""
        known, limits = [*self._heard.items()], self._limits(minute)
        silent = {
            site: last
            for site, last in known
            if site not in told and hearing(minute_start(last), limits) is Hearing.SILENT
        }
        return silent, {site: last for site, last in known if site in told and last > told[site]}

    def _limits(self, minute: int) -> SilenceLimits:
        """Of a topic that is not read nobody knows who is silent."""
        listened = minute if self._through is None else min(minute, self._through)
        limit = timedelta(minutes=self._settings.alerts.silent_box_minutes)
        return silence_limits(minute_start(minute), minute_start(listened), limit, minute_start(self._started))

    def _tell(self, name: str, message: Message, since: Mapping[str, int | None]) -> None:
        """Tell it, and keep for each site since when it is silent; None: no more."""
        problem = self._messengers.send(name, message)
        if problem:
            self._failures[name] = self._failures.get(name, 0) + 1
            self._not_before_s[name] = self._clock.monotonic() + RETRY.wait_s(self._failures[name])
            if self._failures[name] == 1:
                said = f"{self._messengers.shown(name)} does not take messages: {problem}"
                _log.warning("not_told sites=%s problem=%s", _some(since), quoted(said))
            return
        self._failures.pop(name, None)
        self._not_before_s[name] = self._clock.monotonic() + GATHER_S
        for site, minute in since.items():
            if minute is None:
                del self._told[name][site]
            else:
                self._told[name][site] = minute
        _log.info("%s sites=%s", "boxes_back" if None in since.values() else "boxes_silent", _some(since))
        try:
            state_file.store(self._path, self._told)
        except OSError as error:
            raise LogError(f"cannot keep what was told: {quoted(error)}") from error

    def _silence(self, person: Person, silent: Mapping[str, int], minute: int) -> Message:
        speech = words(person.language or self._settings.site.language)
        since = {site: self._local(last) for site, last in silent.items()}
        if len(silent) == 1:
            ((site, last),) = silent.items()
            title = f"{site}: " + speech.say("no delivery for {minutes} min", minutes=minute - last)
            body = speech.say(BOX_SILENT, since=since[site])
            thread = f"{site}.silent"
        else:
            title = speech.say("{count} boxes: no delivery", count=len(silent))
            body, thread = f"{speech.say(BOXES_SILENT)}\n\n{_list(speech, since)}", MANY
        return Message(f"[{speech.say(NO_DATA)}] {title}", body, "warning", thread)

    def _back(self, person: Person, back: Mapping[str, int], told: Mapping[str, int]) -> Message:
        speech = words(person.language or self._settings.site.language)
        if len(back) == 1:
            ((site, last),) = back.items()
            title = f"{site}: " + speech.say("delivers again")
            body = speech.say(BOX_BACK, since=self._local(told[site]), until=self._local(last))
            thread = f"{site}.silent"
        else:
            title = speech.say("{count} boxes deliver again", count=len(back))
            spans = {site: f"{self._local(told[site])} ~ {self._local(last)}" for site, last in back.items()}
            body, thread = _list(speech, spans), MANY
        return Message(f"{speech.say(OVER)}: {title}", body, "success", thread)

    def _local(self, minute: int) -> str:
        return local_text(minute, self._settings.site.zone)


def _list(speech: Catalogue, lines: Mapping[str, str]) -> str:
    """A line for each site, as many as somebody reads."""
    shown = [f"{site}: {text}" for site, text in [*sorted(lines.items())][:MOST_LISTED]]
    more = len(lines) - len(shown)
    return "\n".join([*shown, *[speech.say("And {count} more: hydrolog sites heard", count=more)][:more]])


def _some(sites: Iterable[str]) -> str:
    """Names for the log."""
    return quoted(", ".join(sorted(sites)))
