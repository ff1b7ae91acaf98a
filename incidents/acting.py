"""What people may do about an incident, and doing it. The page and the commands share these rules."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from common import files
from common.clock import minute_of
from common.messages import message
from common.refused import CHANGED, NotPossible, Refused
from incidents import acts
from incidents.acts import MOST_TEXT, Act, ActsUnwritable, Cause, Do
from incidents.incident import Incident
from incidents.life import STAGES, Stage, life
from incidents.reading import Known

LONGEST_SHELF = 366 * 1440  # minutes

CLOSED = message("It is closed already, so nothing was changed. A note can be added.")
OVER = message("It is over, so nothing was changed. It can be closed with its cause.")
NO_UNTIL = message("Say until when.")
PAST = message("This time is over.")
TOO_LONG = message("An incident can rest for a year at most.")
NO_CAUSE = message("Say why it is done with.")
NO_TEXT = message("Write the note first.")
MUCH_TEXT = message("A note may have {count} characters.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do.

    Attributes:
        until: of a shelf, UTC minute.
        cause: of a close.
        seen: the newest act that was seen, empty for none; None if nobody has looked at anything but what is now.
    """

    do: Do
    by: str
    text: str = ""
    until: int | None = None
    cause: Cause | None = None
    seen: str | None = None

    def name(self, incident: str) -> str:
        """The act's id: the same if a form is sent twice, because what it wants and what it has seen are the same."""
        if self.seen is None:
            return uuid4().hex
        whole = (incident, *(str(part) for part in (self.do, self.by, self.text, self.until, self.cause, self.seen)))
        return hashlib.sha256("\0".join(whole).encode("utf-8", "replace")).hexdigest()[:32]


def possible(known: Known) -> tuple[Do, ...]:
    """What can be done about it now."""
    return tuple(do for do in Do if not _needless(known, do))


def act(
    data: Path,
    incident: Incident,
    earlier: Iterable[Act],
    wish: Wish,
    now: datetime,
    *,
    first: Callable[[], None] = lambda: None,
) -> Known:
    """Store what somebody does; returns the incident after it.

    Args:
        earlier: what was done about it before, if not in the file.
        first: what to do before it is stored, once nothing speaks against it.

    Raises:
        NotPossible: it would change nothing, or somebody else has acted meanwhile.
        Refused: what was typed is wrong.
        ActsUnwritable: it could not be stored, so it has not happened.
    """
    with _one_at_a_time(data):
        done = {each.id: each for each in (*earlier, *acts.load(data).known) if each.incident == incident.id}
        name = wish.name(incident.id)
        if name not in done:
            _check(Known(incident, life(incident, done.values(), minute_of(now))), [*done.values()], wish, now)
            new = acts.new(
                incident.id, wish.by, now, wish.do, id=name, text=wish.text, until=wish.until, cause=wish.cause
            )
            first()
            acts.append(data, new)
            done[name] = new
    return Known(incident, life(incident, done.values(), minute_of(now)))


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    try:
        with files.one_at_a_time(data):
            yield
    except OSError as error:
        raise ActsUnwritable(f"cannot write in {data}: {error.strerror}") from error


def _check(known: Known, done: list[Act], wish: Wish, now: datetime) -> None:
    if needless := _needless(known, wish.do):
        raise NotPossible(needless)
    if wish.do is not Do.NOTE and wish.seen is not None:
        ids = [each.id for each in done]
        since = done[ids.index(wish.seen) + 1 :] if wish.seen in ids else done
        if others := [each.by for each in since if each.do in STAGES]:
            raise NotPossible(CHANGED, by=others[-1])
    if len(" ".join(wish.text.split())) > MOST_TEXT:
        raise Refused(MUCH_TEXT, "text", count=MOST_TEXT)
    if wish.do is Do.NOTE and not wish.text.strip():
        raise Refused(NO_TEXT, "text")
    if wish.do is Do.CLOSE and wish.cause is None:
        raise Refused(NO_CAUSE, "cause")
    if wish.do is Do.SHELVE:
        _check_until(wish.until, minute_of(now))


def _check_until(until: int | None, minute: int) -> None:
    if until is None:
        raise Refused(NO_UNTIL, "until")
    if until <= minute:
        raise Refused(PAST, "until")
    if until > minute + LONGEST_SHELF:
        raise Refused(TOO_LONG, "until")


def _needless(known: Known, do: Do) -> str:
    """Why it would change nothing; empty if it would."""
    if do is Do.NOTE:
        return ""
    if known.life.stage is Stage.CLOSED:
        return CLOSED
    return OVER if known.incident.ended is not None and do is not Do.CLOSE else ""
