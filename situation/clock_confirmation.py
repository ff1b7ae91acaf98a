"""A person says that the box's clock is right: what stands in the way, and doing it. For the page and the command."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from common import audit, confirmation, health
from common.audit import Actor
from common.clock import FUTURE_S, NEVER_SET_BEFORE_S, minute_of, minute_start
from common.errors import DatabaseDown, SettingsError
from common.messages import message
from common.refused import NotPossible
from common.settings import Settings
from situation import false_time

LONGEST_WAIT = timedelta(days=40)  # of a reading in the producer; what says more is no such time

NEVER_SET = message("The clock was never set, so nothing is confirmed. Set it at the box first.")
ROWS_AHEAD = message("There are rows of later times, so nothing is confirmed. See how it is now.")


class ClockStanding(NamedTuple):
    """What the box's clock says, beside its rows.

    Attributes:
        now: the clock.
        newest: the newest minute that is closed or in the database.
        down: why the database does not answer, so that only what is closed is known; empty if it does.
    """

    now: datetime
    newest: datetime
    down: str = ""

    @property
    def is_set(self) -> bool:
        """Whether the clock shows a time that can be right."""
        return self.now.timestamp() >= NEVER_SET_BEFORE_S

    @property
    def is_ahead(self) -> bool:
        """Whether there are rows of the future: if this clock is right, a wrong one made them."""
        return self.newest > self.now + timedelta(seconds=FUTURE_S)


class Confirmed(NamedTuple):
    """The files that rows of the future were moved into, with their numbers, and why the database keeps its own."""

    moved: tuple[tuple[Path, int], ...] = ()
    down: str = ""


def standing(settings: Settings, now: datetime) -> ClockStanding:
    """How it is; it asks the database."""
    try:
        return ClockStanding(now, false_time.newest(settings, now))
    except DatabaseDown as down:
        return ClockStanding(now, false_time.closed(settings, now), str(down))


def confirm(settings: Settings, by: Actor, found: ClockStanding, *, go_on: bool) -> Confirmed:
    """Leave the confirmation for the producer, which takes it within a second.

    Args:
        found: as it is now.
        go_on: also where there are rows of the future: they are moved to files, and their minutes are open again.

    Raises:
        NotPossible: the clock was never set, or there are such rows and `go_on` is false.
        SettingsError: the data folder cannot be written.
        AuditUnwritable: nothing was done.
    """
    if not found.is_set:
        raise NotPossible(NEVER_SET)
    if found.is_ahead and not go_on:
        raise NotPossible(ROWS_AHEAD)
    data = settings.paths.data
    shown = {"now": found.now.isoformat(timespec="seconds"), "rows_until": found.newest.isoformat(timespec="minutes")}
    audit.record(data, *by, "clock-confirmed", **shown)
    try:
        done = _set_aside(settings, found) if go_on else Confirmed()
        confirmation.leave(data, confirmation.GO_ON if found.is_ahead else confirmation.RIGHT)
    except OSError as error:
        raise SettingsError("paths.data", f"cannot write to {data}: {error.strerror}") from error
    return done


def _set_aside(settings: Settings, found: ClockStanding) -> Confirmed:
    """Move rows of the future out of the way before their minutes come."""
    folder = false_time.new_folder(settings.paths.data, found.now)
    of_log: Iterator[tuple[Path, int]] = iter(())
    if found.is_ahead:
        of_log = false_time.set_aside_rows(settings, _waiting_from(settings, found.now) - 1, found.now, folder)
    moved = []
    try:
        for each in chain(of_log, false_time.set_aside_stored(settings, found.now, folder)):
            moved.append(each)
    except DatabaseDown as down:
        return Confirmed(tuple(moved), str(down))
    return Confirmed(tuple(moved))


def _waiting_from(settings: Settings, now: datetime) -> int:
    """The minute of the oldest reading that waits in the producer: from it on, minutes are to come."""
    counters = health.load_all(settings.paths.data).get("producer", {}).get("counters")
    minute = counters.get("waiting_from") if isinstance(counters, dict) else None
    recent = isinstance(minute, int) and timedelta(0) <= now - minute_start(minute) < LONGEST_WAIT
    return min(minute, minute_of(now)) if recent and isinstance(minute, int) else minute_of(now)
