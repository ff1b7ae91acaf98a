"""All incidents that are known: those of the file, and all earlier ones that the database holds."""

import difflib
from typing import NamedTuple

import psycopg

from cli import shell
from common.database import Database
from common.errors import DatabaseDown, HydrologError
from common.folder import INCIDENT_ACTS_FILE
from common.settings import Settings
from incidents import acts, reading, table
from incidents.acts import Act
from incidents.incident import Incident
from incidents.reading import Known

MOST_NAMED = 5  # incidents in a message


class NoSuchIncident(HydrologError):
    """There is no such incident, or there are several."""


class IncidentHistory(NamedTuple):
    """What is known at a moment.

    Attributes:
        known: those that are up, then the newest.
        names: the name of each registered sensor; empty if the database is not there.
        whole: whether the database has answered. Otherwise only the incidents of the file are known.
        problems: what is wrong, for whoever asks.
        damaged: whether there may be more incidents, because the file cannot be read in full.
    """

    known: tuple[Known, ...]
    names: dict[str, str]
    whole: bool
    problems: tuple[str, ...]
    damaged: bool = False

    def name(self, sensor: str) -> str:
        """What people call a sensor: its id, and its name if it has one."""
        return " ".join(filter(None, (sensor, self.names.get(sensor, ""))))

    def find(self, text: str) -> Known:
        """The incident with this id, or the only one whose id begins with it.

        Raises:
            NoSuchIncident: there is none, or there are several.
        """
        ids = {each.incident.id: each for each in self.known}
        if text in ids:
            return ids[text]
        fitting = [name for name in ids if name.startswith(text)]
        if len(fitting) == 1:
            return ids[fitting[0]]
        if fitting:
            raise NoSuchIncident(f"{len(fitting)} incidents begin with {shell.printable(text)!r}: {_listed(fitting)}")
        near = difflib.get_close_matches(text[: shell.LONGEST], ids, MOST_NAMED)
        advice = f"did you mean {_listed(near)}?" if near else "see: hydrolog incidents --all"
        only = "" if self.whole else "; the database does not answer, so earlier ones are not known"
        raise NoSuchIncident(f"there is no incident {shell.printable(text)!r}{only}; {advice}")


def read(chosen: Settings, database: Database, minute: int) -> IncidentHistory:
    """All incidents at UTC `minute`. The file's version of an incident is the newer one."""
    found = reading.stored(chosen.paths.data)
    done = acts.load(chosen.paths.data)
    problems = [found.problem] if found.problem else []
    if done.damaged:
        problems.append(f"{INCIDENT_ACTS_FILE}: {done.damaged} lines cannot be read")
    earlier: list[Incident] = []
    recorded: list[Act] = []
    names: dict[str, str] = {}
    whole = True
    try:
        with database.transaction() as cursor:
            earlier, recorded = table.load(cursor, chosen.site.id), table.load_acts(cursor, chosen.site.id)
            cursor.execute("SELECT sensor, name FROM SENSOR_TB WHERE site = %s", (chosen.site.id,))
            names = dict(cursor.fetchall())
    except (DatabaseDown, psycopg.Error) as error:
        whole = False
        why = str(error) if isinstance(error, DatabaseDown) else "the database refuses them"
        problems.append(f"only the incidents of the file are shown, the newest ones: {why}")
    incidents = {one.id: one for one in (*earlier, *found.incidents)}
    deeds = {act.id: act for act in (*recorded, *done.known)}
    known = reading.known(incidents.values(), deeds.values(), minute)
    return IncidentHistory(tuple(known), names, whole, tuple(problems), damaged=bool(found.problem))


def _listed(ids: list[str]) -> str:
    more = [f"and {len(ids) - MOST_NAMED} more"] if len(ids) > MOST_NAMED else []
    return ", ".join([*map(shell.printable, ids[:MOST_NAMED]), *more])
