"""The incidents of a data folder, each with its life: what every surface shows. Works while the database is down."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from common import files, state_file
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import acts
from incidents.incident import Incident, Sign
from incidents.life import Life, life
from outliers.flags import WORST_FIRST


class Known(NamedTuple):
    """An incident, and its life among people."""

    incident: Incident
    life: Life


class Incidents(NamedTuple):
    """The incidents of the file, the newest first: all that are up, and the newest of the others.

    `problem` says what is wrong with a file; empty if nothing is. `complete`: the incidents' file is there and whole;
    an installation that was just updated has none yet. `detail`: more of the problem, for the log only.
    """

    known: tuple[Known, ...] = ()
    problem: str = ""
    complete: bool = False
    detail: str = ""


class IncidentsFile(msgspec.Struct):
    """The content of `incidents.json`. Only the producer writes it."""

    version: int = 1
    incidents: list[Incident] = []


def load(data: Path, minute: int) -> Incidents:
    """The incidents as they are at UTC `minute`; the same object until a file or the minute changes."""
    return _load(data, minute, files.stamp(data / INCIDENTS_FILE), files.stamp(data / INCIDENT_ACTS_FILE))


@lru_cache(maxsize=4)
def _load(data: Path, minute: int, *_stamps: files.Stamp | None) -> Incidents:
    """Cached, because the alerts ask twice a second and the page with each request."""
    found = stored(data)
    done = acts.load(data)
    problem = found.problem
    if done.damaged and not problem:
        problem = f"{INCIDENT_ACTS_FILE}: {done.damaged} lines cannot be read"
    return Incidents(tuple(known(found.incidents, done.known, minute)), problem, found.complete, found.detail)


class Stored(NamedTuple):
    """The incidents of the file, each id once; what is wrong with the file, and whether it is there and whole.

    `detail`: why it cannot be read, in the parser's or the system's words: for the log only.
    """

    incidents: tuple[Incident, ...] = ()
    problem: str = ""
    complete: bool = False
    detail: str = ""


def for_log(found: Stored | Incidents) -> str:
    """What is wrong, with its detail."""
    return ": ".join(filter(None, (found.problem, found.detail)))


def stored(data: Path) -> Stored:
    """What is in the file.

    An incident without a sign, or with one of a severity that is not known, is left out: nothing can be said of it.
    """
    try:
        whole = state_file.read(data / INCIDENTS_FILE, IncidentsFile)
    except state_file.StateUnusable as error:
        return Stored(problem=f"{INCIDENTS_FILE} cannot be read", detail=str(error))
    if whole is None:
        return Stored()
    sound = {one.id: one for one in whole.incidents if one.signs and all(_is_known(sign) for sign in one.signs)}
    left_out = len(whole.incidents) - len(sound)
    problem = f"{INCIDENTS_FILE}: {left_out} incidents cannot be read" if left_out else ""
    return Stored(tuple(sound.values()), problem, not left_out)


def known(incidents: Iterable[Incident], done: Iterable[acts.Act], minute: int) -> list[Known]:
    """Each incident with its life at UTC `minute`: those that are up, then the newest."""
    of: dict[str, list[acts.Act]] = {}
    for act in done:
        of.setdefault(act.incident, []).append(act)
    newest = sorted(incidents, key=lambda one: (one.ended is not None, -one.raised))
    return [Known(one, life(one, of.get(one.id, ()), minute)) for one in newest]


def _is_known(sign: Sign) -> bool:
    return sign.severity in WORST_FIRST
