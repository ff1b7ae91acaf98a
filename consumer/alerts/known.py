"""The incidents, read again when their files or the minute have changed."""

from pathlib import Path

from common import files
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import reading
from incidents.incident import WORST_FIRST, Incident
from incidents.reading import Incidents


class KnownIncidents:
    """While the producer's file cannot be read, the last ones are kept, and `problem` says it.

    A torn line of what people did is no problem of its own: it costs only itself.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._seen: tuple[object, ...] = ()
        self._known = Incidents()

    def now(self, minute: int) -> Incidents:
        seen = (minute, *(files.stamp(self._data / name) for name in (INCIDENTS_FILE, INCIDENT_ACTS_FILE)))
        if seen != self._seen:
            self._seen = seen
            found = reading.load(self._data, minute)
            known = tuple(one for one in found.known if _sound(one.incident))
            unreadable = found.problem.startswith(INCIDENTS_FILE)
            self._known = Incidents(self._known.known if unreadable else known, found.problem if unreadable else "")
        return self._known


def _sound(incident: Incident) -> bool:
    """Whether it can be told: it has signs, all of a severity that this version knows."""
    return bool(incident.signs) and all(sign.severity in WORST_FIRST for sign in incident.signs)
