"""What people do about an incident by commands: stored by the rules of `incidents.acting`, and said."""

import argparse
import pwd
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cli import shell
from cli.acting import person
from cli.export_span import NotATime, first_instant
from cli.incident_history import IncidentHistory
from common.clock import local_text, minute_of
from common.errors import HydrologError
from common.messages import words
from common.refused import NotPossible
from common.settings import Settings
from incidents import acting
from incidents.acting import Wish
from incidents.acts import ActsUnwritable, Cause, Do
from incidents.life import Stage
from incidents.reading import Known
from incidents.sentences import did


class Needless(HydrologError):
    """It would change nothing."""


class BadUsage(HydrologError):
    """An option is wrong."""

    exit_code = 2


def act(
    chosen: Settings, history: IncidentHistory, now: datetime, do: Do, options: argparse.Namespace
) -> tuple[Known, str]:
    """Store what somebody did; returns the incident after it, and a line for people.

    Raises:
        NoSuchIncident: it is not known.
        Needless: it would change nothing.
        Refused, BadUsage: an option is wrong.
        ActsUnwritable: the act could not be stored, so it has not happened.
    """
    known, zone = history.find(options.id), chosen.site.zone
    catalogue = words(options.language or chosen.site.language)
    until = _until(options, zone, minute_of(now)) if do is Do.SHELVE else None
    cause = Cause(options.cause) if do is Do.CLOSE else None
    wish = Wish(do, _person(options.by), " ".join(options.text), until, cause)
    try:
        after = acting.act(chosen.paths.data, known.incident, known.life.acts, wish, now)
    except NotPossible as error:
        raise Needless(_advice(known, zone) or str(error)) from error
    except ActsUnwritable as error:
        raise ActsUnwritable(f"{error}{_who_may(error, chosen.paths.data)}") from error
    done = max(after.life.acts, key=lambda one: one.at)
    what = did(done, local_text(done.until, zone) if done.until is not None else "", catalogue)
    return after, f"{known.incident.id}: {what} ({done.by})"


def instant(option: str, text: str, zone: ZoneInfo) -> datetime:
    """The moment that somebody has written.

    Raises:
        BadUsage: it is none.
    """
    try:
        return first_instant(text, zone)
    except NotATime as error:
        raise BadUsage(f"{option}: {shell.printable(error)}") from error


def _advice(known: Known, zone: ZoneInfo) -> str:
    """What stands against it, and what to type instead."""
    incident, state = known
    name = shell.printable(incident.id)
    if state.stage is Stage.CLOSED and state.at is not None:
        closed = f"{name} was closed by {shell.printable(state.by)}, {local_text(state.at, zone)}: {state.cause}"
        return f"{closed}; to add something: hydrolog incidents note {name} TEXT"
    if incident.ended is not None:
        over = f"{name} is over since {local_text(incident.ended, zone)}"
        return f"{over}; to say why it was: hydrolog incidents close {name} --cause CAUSE"
    return ""


def _until(options: argparse.Namespace, zone: ZoneInfo, minute: int) -> int:
    if options.minutes is not None:
        return minute + int(options.minutes)
    until = minute_of(instant("--until", options.until, zone))
    if until <= minute:
        raise BadUsage(f"--until: {local_text(until, zone)} is over; it is {local_text(minute, zone)} now")
    return until


def _person(named: str | None) -> str:
    """Who acts: the name that was given, or who is logged in, also behind `sudo`.

    Raises:
        BadUsage: there is no name.
    """
    name = named if named is not None else person()
    if not name.strip():
        raise BadUsage("--by: give your name")
    return name


def _who_may(error: ActsUnwritable, data: Path) -> str:
    """What to type if this user may not write to the data folder."""
    if not isinstance(error.__cause__, PermissionError):
        return ""
    try:
        owner = pwd.getpwuid(data.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "; its owner may: use sudo"
    return f"; its owner may: sudo -u {owner} hydrolog incidents …"
