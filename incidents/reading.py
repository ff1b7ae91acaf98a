"""The incidents of a data folder, each with its life: what every surface shows. Works while the database is down."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from common import state_file
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import acts
from incidents.incident import Incident
from incidents.life import Life, life


class Known(NamedTuple):
    """An incident, and its life among people."""

    incident: Incident
    life: Life


class Incidents(NamedTuple):
    """The incidents of the file, the newest first: all that are up, and the newest of the others.

    `problem` says what is wrong with a file; empty if nothing is. `complete`: the incidents' file is there and whole;
    an installation that was just updated has none yet.
    """

    known: tuple[Known, ...] = ()
    problem: str = ""
    complete: bool = False


class IncidentsFile(msgspec.Struct):
    """The content of `incidents.json`. Only the producer writes it."""

    version: int = 1
    incidents: list[Incident] = []


def load(data: Path, minute: int) -> Incidents:
    """The incidents as they are at UTC `minute`."""
    problem = ""
    stored = None
    try:
        stored = state_file.read(data / INCIDENTS_FILE, IncidentsFile)
    except state_file.StateUnusable as error:
        problem = f"{INCIDENTS_FILE} cannot be read: {error}"
    done = acts.load(data)
    if done.damaged and not problem:
        problem = f"{INCIDENT_ACTS_FILE}: {done.damaged} lines cannot be read"
    of: dict[str, list[acts.Act]] = {}
    for act in done.known:
        of.setdefault(act.incident, []).append(act)
    newest = sorted(stored.incidents if stored else (), key=lambda one: (one.ended is not None, -one.raised))
    return Incidents(
        tuple(Known(one, life(one, of.get(one.id, ()), minute)) for one in newest), problem, stored is not None
    )
