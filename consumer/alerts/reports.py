"""Sends the report of the month before to whoever wants it, on their day of the month, once.

Making a report and mailing it takes long, so it happens in a thread: no alarm waits for it. A file in `reports_sent`
says that somebody has got the report of a month. The process that sends the message makes it, and holds a lock until
it ends: so a report comes once, also if this process is killed while a mail server is accepting it.
"""

import fcntl
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from common.clock import minute_of
from common.errors import HydrologError
from common.folder import REPORTS_SENT_FOLDER
from common.logging_setup import quoted
from common.messages import words
from common.retry import Backoff
from common.runner import Context
from common.settings_alerts import Person
from log import mark
from messengers.message import Attachment, Message
from messengers.messenger import Messengers, Receipt
from reports.child import TYPES, file_name, make
from reports.month import Month, last_whole

REPORT_HOUR = 8  # of the site: when a shift begins; all nights of the month are reported by then
RETRY = Backoff(first_s=60.0, cap_s=3600.0)
LOCK = "sending.lock"

_log = logging.getLogger(__name__)


def is_due(person: Person, local: datetime) -> bool:
    """Whether the report of the month before may come at this local time."""
    begun = (local.day, local.hour) >= (person.report, REPORT_HOUR)
    return person.report > 0 and begun and not person.sleeps(local)


class MonthlyReports:
    """Step it often."""

    def __init__(self, context: Context, messengers: Messengers) -> None:
        self.sent = 0
        self.problem = ""
        self._context, self._messengers = context, messengers
        self._folder = context.data / REPORTS_SENT_FOLDER
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._not_before_s = 0.0

    def step(self, now: datetime, *, wait: bool) -> None:
        """Begin to send what is due. `wait`: until it is sent."""
        if self._thread is not None and self._thread.is_alive():
            return
        month, names = self._due(now)
        if not names or self._context.clock.monotonic() < self._not_before_s:
            return
        self._thread = threading.Thread(target=self._round, args=(month, names), name="reports")
        self._thread.start()
        if wait:
            self._thread.join()

    def close(self) -> None:
        """Wait for the thread, which ends soon after the process was told to stop."""
        if self._thread is not None:
            self._thread.join()

    def _due(self, now: datetime) -> tuple[Month, list[str]]:
        zone = self._context.settings.site.zone
        month, people = last_whole(now, zone), self._messengers.people
        due = [name for name, person in people.items() if is_due(person, now.astimezone(zone))]
        missing = [name for name in due if not self._receipt(name, month).exists()]
        return month, missing if missing and self._is_over(month, now) else []

    def _is_over(self, month: Month, now: datetime) -> bool:
        """Whether the producer has closed a minute after it, too: it trusts no clock that has jumped."""
        known = mark.load(self._context.data)
        return known is None or minute_of(month.end) <= known.closed_through <= minute_of(now)

    def _receipt(self, name: str, month: Month) -> Path:
        return self._folder / f"{name}-{month}"

    def _round(self, month: Month, names: Sequence[str]) -> None:
        problem = ""
        try:
            with _alone(self._folder) as lock:
                if lock is None:  # an earlier process was killed while a message was accepted; that one still runs
                    problem = "a report is still being sent"
                else:
                    problem = self._send(month, names, lock)
                    self._forget(month)
        except (HydrologError, OSError) as error:
            problem = str(error)
        if self._context.stop.is_set():
            return
        if problem and problem != self.problem:
            _log.warning("report_not_sent month=%s problem=%s", month, quoted(problem))
        self._failures = self._failures + 1 if problem else 0
        self._not_before_s = self._context.clock.monotonic() + (RETRY.wait_s(self._failures) if problem else 0.0)
        self.problem = f"monthly report: {problem}" if problem else ""

    def _send(self, month: Month, names: Sequence[str], lock: int) -> str:
        """Send to each; what went wrong last, empty if nothing did."""
        problem, made = "", dict[str, tuple[Attachment, ...]]()
        for name in names:
            path = self._receipt(name, month)
            if path.exists() or self._context.stop.is_set():
                continue
            language = self._messengers.people[name].language or self._context.settings.site.language
            takes_files = self._messengers.takes_files(name)
            if takes_files and language not in made:
                made[language] = self._made(month, language)
            message = self._message(month, language, made[language] if takes_files else ())
            if said := self._messengers.send(name, message, Receipt(path, lock)):
                problem = f"{self._messengers.shown(name)} does not take it: {said}"
                continue
            _log.info("report_sent messenger=%s month=%s", quoted(self._messengers.shown(name)), month)
            self.sent += 1
        return problem

    def _made(self, month: Month, language: str) -> tuple[Attachment, ...]:
        site, context = self._context.settings.site.id, self._context
        return tuple(
            Attachment(file_name(site, month, kind), mime, make(month, kind, language, context.config, context.stop))
            for kind, mime in TYPES.items()
        )

    def _message(self, month: Month, language: str, files: tuple[Attachment, ...]) -> Message:
        speech, settings = words(language), self._context.settings
        title = speech.say("Leakage report, {month}", month=speech.month(month.first))
        page = settings.alerts.page_url.rstrip("/")
        if files:
            body = speech.say("The report is attached: as PDF to read, and as a workbook with every figure.")
        elif page:
            body = speech.say("The report is on the page: {url}", url=f"{page}/report?month={month}")
        else:
            body = speech.say(
                "The report is on the page, and at the box: {command}", command=f"hydrolog report {month}"
            )
        return Message(f"{title} ({settings.site.id})", body, "info", files=files)

    def _forget(self, month: Month) -> None:
        """Of earlier months nothing is sent any more."""
        for path in self._folder.iterdir():
            if path.name != LOCK and f"-{month}" not in path.name:
                path.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[int | None]:
    """The descriptor of the lock; None if another process holds it."""
    folder.mkdir(mode=0o750, exist_ok=True)
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file.fileno()
