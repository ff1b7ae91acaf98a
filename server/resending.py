"""Sends rows to the server again when somebody asks for it: `hydrolog resend` in a process of its own, one at a time.

What came of the last time is in `resending.json`. A restart of this process ends it; asked for again, no row is stored
twice.
"""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from common import audit, processes, state_file
from common.audit import Actor
from common.errors import HydrologError
from common.folder import RESENDING_FILE
from common.logging_setup import quoted
from common.messages import message
from common.refused import NotPossible, Refused
from common.runner import Context
from common.settings import CONFIG
from common.state_file import Count, StateUnusable

LONGEST_S = 6 * 3600.0  # real seconds: a week of a hundred sensors over a slow line
END_S = 1.0  # time for the process to end
PRIORITY = 10  # behind whatever keeps rows

NO_SERVER = message("This box sends its rows to no server.")
UNDER_WAY = message("Rows are being sent again already. Wait until it is done.")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]

_log = logging.getLogger(__name__)


class ResendSpan(NamedTuple):
    """From `first` to before `end`."""

    first: datetime
    end: datetime


class NotNoted(HydrologError):
    """What was asked for could not be written down."""


class Resent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of `resending.json`: the last time.

    Attributes:
        by: who asked.
        began, ended: by the site's clock; without an end it is under way, or was cut off.
        first, end: the span; without one the rows were those that the server had refused.
        rows, refused: sent, and refused by the server.
        problem: why it ended before its end; empty if it did not.
    """

    by: str
    began: Moment
    first: Moment | None = None
    end: Moment | None = None
    ended: Moment | None = None
    rows: Count = 0
    refused: Count = 0
    problem: str = ""


class _Said(msgspec.Struct):
    """What `hydrolog resend --json` says."""

    rows: Count
    refused: Count


class Resending:
    """Starts the process, and notes what came of it."""

    def __init__(self, context: Context) -> None:
        self._path = context.data / RESENDING_FILE
        self._context = context
        self._environ = os.environ | ({CONFIG: str(context.config)} if context.config else {})
        self._busy = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def under_way(self) -> bool:
        return self._busy.locked()

    def last(self) -> Resent | None:
        """The last time; None if there was none."""
        return state_file.load(self._path, Resent)

    def start(self, by: Actor, span: ResendSpan | None) -> None:
        """Begin; it goes on beside. `span`: None for the rows that the server has refused.

        Raises:
            Refused: there is no server.
            NotPossible: it is under way.
            AuditUnwritable, NotNoted: nothing is sent.
        """
        if not self._context.settings.server.url:
            raise Refused(NO_SERVER)
        if not self._busy.acquire(blocking=False):
            raise NotPossible(UNDER_WAY)
        try:
            shown = span._asdict() if span else {}
            times = {name: time.isoformat() for name, time in shown.items()}
            audit.record(self._context.data, *by, "rows-resent", **times)
            begun = Resent(by.name, self._context.clock.now(), **shown)
            self._store(begun)
            words = ["--from", times["first"], "--to", times["end"]] if times else []
            threading.Thread(target=self._whole, args=(begun, words), name="resend", daemon=True).start()
        except BaseException:
            self._busy.release()
            raise

    def close(self) -> None:
        """End what is under way."""
        processes.end_child(self._child, END_S)

    def _whole(self, begun: Resent, words: list[str]) -> None:
        """In a thread of its own."""
        try:
            said, problem = self._run(words)
            done = msgspec.structs.replace(
                begun, ended=self._context.clock.now(), rows=said.rows, refused=said.refused, problem=problem
            )
            if problem:
                _log.warning("not_resent rows=%d problem=%s", said.rows, quoted(problem))
            with contextlib.suppress(NotNoted):  # a full disk: the log says it, and the page that it was cut off
                self._store(done)
        finally:
            self._busy.release()

    def _run(self, words: list[str]) -> tuple[_Said, str]:
        """What was sent, and why it ended before its end."""
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli", "resend", "--json", *words],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,  # Ctrl-C goes to this process, which ends the child
            )
        except OSError as error:  # no memory, or too many processes
            return _Said(0, 0), f"no process could be started: {error.strerror}"
        self._child = child
        processes.give_way(child, PRIORITY)
        try:
            out, why = child.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            processes.end_child(child, END_S)
            child.communicate()
            return _Said(0, 0), f"not done within {LONGEST_S / 3600:g} hours"
        problem = processes.last_words(why) if child.returncode else ""
        try:
            said = state_file.parse(out, _Said)
        except StateUnusable:
            return _Said(0, 0), problem or f"the process ended with code {child.returncode}"
        return said, problem

    def _store(self, value: Resent) -> None:
        try:
            state_file.store(self._path, value)
        except OSError as error:
            _log.warning("resending_not_noted problem=%s", quoted(error))
            raise NotNoted(f"cannot write {self._path}: {error.strerror}") from error
