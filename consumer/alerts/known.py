"""The incidents, as far as they can be read."""

from collections.abc import Sequence
from pathlib import Path

from incidents import reading
from incidents.reading import Known


class KnownIncidents:
    """While the producer's file cannot be read, the last ones are kept: nothing is over because of it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: Sequence[Known] = ()

    def now(self, minute: int) -> Sequence[Known]:
        found = reading.load(self._data, minute)
        if found.known or not found.problem:
            self._known = found.known
        return self._known
