"""What people do about an incident: checked, stored, and said."""

import argparse
import pwd
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cli import acting, shell
from cli.export_span import NotATime, first_instant
from cli.incident_history import History
from common.clock import minute_of
from common.errors import HydrologError
from common.settings import Settings
from incidents import acts
from incidents.acts import ActsUnwritable, Do
from incidents.life import Stage, life
from incidents.reading import Known

LONGEST_SHELF = 366 * 1440  # minutes
DONE = {Do.ACKNOWLEDGE: "acknowledged", Do.SHELVE: "shelved", Do.CLOSE: "closed", Do.NOTE: "note stored"}


class NotPossible(HydrologError):
    """This cannot be done with the incident."""


class BadUsage(HydrologError):
    """An option is wrong."""

    exit_code = 2


def act(chosen: Settings, history: History, now: datetime, do: Do, options: argparse.Namespace) -> tuple[Known, str]:
    """Store what somebody did; returns the incident after it, and a line for people.

    Raises:
        NoSuchIncident: it is not known.
        NotPossible: it would change nothing.
        BadUsage: an option is wrong.
        ActsUnwritable: the act could not be stored, so it has not happened.
    """
    known, zone, minute = history.find(options.id), chosen.site.zone, minute_of(now)
    _refuse_needless(known, do, zone)
    more: dict[str, object] = {"text": " ".join(options.text)}
    if do is Do.SHELVE:
        more["until"] = _until(options, zone, minute)
    if do is Do.CLOSE:
        more["cause"] = options.cause
    done = acts.new(known.incident.id, _person(options.by), now, do, **more)
    try:
        acts.append(chosen.paths.data, done)
    except ActsUnwritable as error:
        raise ActsUnwritable(f"{error}{_advice(error, chosen.paths.data)}") from error
    until = f" until {shell.local(done.until, zone)}" if done.until is not None else ""
    cause = f" ({done.cause})" if done.cause else ""
    after = Known(known.incident, life(known.incident, [*known.life.acts, done], minute))
    return after, f"{known.incident.id}: {DONE[do]}{until}{cause} by {done.by}"


def instant(option: str, text: str, zone: ZoneInfo) -> datetime:
    """The moment that somebody has written.

    Raises:
        BadUsage: it is none.
    """
    try:
        return first_instant(text, zone)
    except NotATime as error:
        raise BadUsage(f"{option}: {shell.printable(error)}") from error


def _refuse_needless(known: Known, do: Do, zone: ZoneInfo) -> None:
    incident, state = known
    name = shell.printable(incident.id)
    if do is Do.NOTE:
        return
    if state.stage is Stage.CLOSED and state.at is not None:
        closed = f"{name} was closed by {shell.printable(state.by)}, {shell.local(state.at, zone)}: {state.cause}"
        raise NotPossible(f"{closed}; to add something: hydrolog incidents note {name} TEXT")
    if incident.ended is not None and do is not Do.CLOSE:
        over = f"{name} is over since {shell.local(incident.ended, zone)}"
        raise NotPossible(f"{over}; to say why it was: hydrolog incidents close {name} --cause CAUSE")


def _until(options: argparse.Namespace, zone: ZoneInfo, minute: int) -> int:
    if options.minutes is not None:
        until: int = minute + options.minutes
    else:
        until = minute_of(instant("--until", options.until, zone))
    if until <= minute:
        raise BadUsage(f"--until: {shell.local(until, zone)} is over; it is {shell.local(minute, zone)} now")
    if until > minute + LONGEST_SHELF:
        raise BadUsage("an incident can rest for a year at most; to be done with it: hydrolog incidents close")
    return until


def _person(named: str | None) -> str:
    """Who acts: the name that was given, or who is logged in, also behind `sudo`.

    Raises:
        BadUsage: there is no name.
    """
    name = named if named is not None else acting.person()
    if not name.strip():
        raise BadUsage("--by: give your name")
    return name


def _advice(error: ActsUnwritable, data: Path) -> str:
    """What to type if this user may not write to the data folder."""
    if not isinstance(error.__cause__, PermissionError):
        return ""
    try:
        owner = pwd.getpwuid(data.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "; its owner may: use sudo"
    return f"; its owner may: sudo -u {owner} hydrolog incidents …"
