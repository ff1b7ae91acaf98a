"""Copies the incidents, and what people did about them, from the data folder's files into the database.

Nothing is remembered on disk: after a start, or after the database was down, everything is copied again, and what is
there already stays as it is.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Cursor

from common import files
from common.clock import minute_of, minute_start
from common.database import Database, refusing
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from common.logging_setup import quoted
from consumer.outliers import Outlier
from consumer.store_each import store_each
from incidents import acts, reading, table
from incidents.acts import Act
from incidents.incident import Incident
from incidents.life import Stage
from incidents.table import IncidentRow

_log = logging.getLogger(__name__)


class IncidentMirror:
    """Step it often: without a change of the files it does nothing.

    `problem` says what is wrong with the file of incidents; empty if nothing is.
    """

    def __init__(self, data: Path, site: str) -> None:
        self._data = data
        self._site = site
        self._seen: tuple[files.Stamp | None, ...] = (None, None)
        self._rows: dict[str, IncidentRow] = {}  # as they are in the database
        self._acts: set[str] = set()
        self._again: int | None = None  # UTC minute at which the next shelved incident is open again
        self._unnamed: dict[str, datetime] = {}  # sensors whose flagged values may lack their incident, and since when
        self.problem = ""

    def step(self, database: Database, now: datetime) -> None:
        """Copy what has changed, and name the incident of some flagged values that lack it.

        Raises:
            DatabaseDown: nothing is copied; the next step tries again.
        """
        seen = tuple(files.stamp(self._data / name) for name in (INCIDENTS_FILE, INCIDENT_ACTS_FILE))
        with refusing("incidents_not_stored", "the database refuses the incidents"):
            if seen != self._seen or (self._again is not None and self._again <= minute_of(now)):
                self._copy(database, minute_of(now))
                self._seen = seen
            if self._unnamed:
                with database.transaction() as cursor:
                    done = table.name_outliers(cursor, self._site, self._unnamed, min(self._unnamed.values()))
                if done:
                    self._unnamed = {}

    def _copy(self, database: Database, minute: int) -> None:
        found = reading.stored(self._data)
        done = acts.load(self._data).known
        with database.transaction() as cursor:
            rows = self._rows_of(cursor, found.incidents, done, minute)
            changed = [row for row in rows if self._rows.get(row.id) != row]
            store_each(cursor, changed, lambda some: table.store(cursor, some))
        self._acts, self._rows = {act.id for act in done}, {row.id: row for row in rows}
        for row in changed:
            self._unnamed[row.sensor] = min(row.raised, self._unnamed.get(row.sensor, row.raised))
        shelved = [minute_of(row.until) for row in rows if row.stage == Stage.SHELVED and row.until]
        self._again = min(shelved, default=None)
        if found.problem and found.problem != self.problem:
            _log.warning("incidents_unreadable problem=%s", quoted(reading.for_log(found)))
        self.problem = found.problem

    def _rows_of(
        self, cursor: Cursor[Any], found: Sequence[Incident], done: Iterable[Act], minute: int
    ) -> list[IncidentRow]:
        """Store the acts that are new; returns the incidents as they are now, with all acts that were ever stored."""
        new = [act for act in done if act.id not in self._acts]
        store_each(cursor, new, lambda some: table.store_acts(cursor, self._site, some))
        ids = {one.id for one in found}
        acted = {act.incident for act in new} | {row.id for row in self._rows.values() if row.stage == Stage.SHELVED}
        earlier = table.load(cursor, self._site, sorted(acted - ids))  # no longer in the file
        known = table.load_acts(cursor, self._site, sorted(acted | ids))
        return [table.row(self._site, *each) for each in reading.known([*found, *earlier], known, minute)]

    def name(self, cursor: Cursor[Any], found: Sequence[Outlier]) -> None:
        """Write their incident into the rows of OUTLIER_TB that were just stored for these flags."""
        if found:
            first = minute_start(min(outlier.minute for outlier in found))
            table.name_outliers(cursor, self._site, {outlier.sensor for outlier in found}, first)
