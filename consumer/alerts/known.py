"""The incidents, read again when their files or the minute have changed."""

from collections.abc import Sequence
from pathlib import Path

from common import files
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import reading
from incidents.reading import Known


class KnownIncidents:
    """While the producer's file cannot be read, the last ones are kept: nothing is over because of it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._seen: tuple[object, ...] = ()
        self._known: Sequence[Known] = ()

    def now(self, minute: int) -> Sequence[Known]:
        seen = (minute, *(files.stamp(self._data / name) for name in (INCIDENTS_FILE, INCIDENT_ACTS_FILE)))
        if seen != self._seen:
            self._seen = seen
            found = reading.load(self._data, minute)
            if found.known or not found.problem:
                self._known = found.known
        return self._known
