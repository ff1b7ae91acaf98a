"""The group "archive": writes rows of the log to the database, commits, and trims the log.

The incidents and the audit are copied first, whether there are rows or not.

The rows and findings of one poll go into one transaction that is safe to repeat. If the process is killed before the
commit, the same rows come again and are recognised. Only one poll is in memory, however much waits.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg

from common import audit, database, registry, retention, sensor_names
from common.database import Database
from common.errors import DatabaseDown, HydrologError, RowRefused
from common.false_rows import FalseRows
from common.logging_setup import quoted
from common.row import parse_payload
from common.runner import Context
from consumer import not_rows
from consumer.audit import AuditMirror
from consumer.incidents import IncidentMirror
from consumer.outliers import FindingsFile, outliers
from consumer.source import LogSource
from consumer.store import Numbered, store
from log.roles import Log, Record

GROUP = "archive"
POLL_ROWS = 1000  # one transaction: large enough to catch up quickly, small enough to be cheap
WORK_S = 5.0  # real seconds of work per step, so health is published while a backlog is processed

NAMES_S = 60.0  # real seconds between two looks at the sensors' names

_log = logging.getLogger(__name__)


class Archive:
    """See `common.runner.Worker`."""

    def __init__(self, context: Context, *, once: bool = False) -> None:
        """Nothing is opened yet.

        Raises:
            SettingsError: the group is not in `log.groups`.
        """
        self._context = context
        self._once = once
        self._site = context.settings.site.id
        self._database = Database(context.settings, "archive")
        self._findings = FindingsFile(context.data)
        self._incidents = IncidentMirror(context.data, self._site)
        self._audit = AuditMirror(context.data, self._site)
        self._false_rows = FalseRows(context.data)
        self._counts: Counter[str] = Counter(archived=0, unregistered=0, flagged=0, repeated=0, not_rows=0)
        self._cleaning = retention.Cleaning(self._site)
        self._source = LogSource(context.settings, GROUP)
        self._names_s = 0.0  # monotonic: when to look at them again
        self._zones_s: float | None = 0.0  # monotonic: when to try to register the zones; None: it is done

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Archive all waiting rows, or as many as a few seconds allow.

        Raises:
            DatabaseDown: nothing of the last poll is in the database; the rows stay in the log.
        """
        self._source.open()
        self._source.rewind()
        log, group = self._source.log, self._source.group
        give_back_s = time.monotonic() + WORK_S
        try:
            self._incidents.step(self._database, now)
            self._audit.step(self._database)
            self._keep_zones(now)
            while not self._context.stop.is_set() and (records := group.poll(POLL_ROWS)):
                self._store(log, records)
                group.commit(group.position)
                log.trim()
                if time.monotonic() >= give_back_s and not self._once:
                    break
            log.trim()  # also rows that only the producer's mark held back
            self._keep_names()
            self._clean_up(now)
        except HydrologError as error:
            error.counters = self._counters()
            raise
        return self._counters() | ({"problem": self._incidents.problem} if self._incidents.problem else {})

    def close(self) -> None:
        self._database.close()
        self._source.close()

    def _counters(self) -> dict[str, Any]:
        return {**self._counts, "false_time": self._false_rows.skipped, "lag": self._source.group.lag}

    def _store(self, log: Log, records: Sequence[Record]) -> None:
        rows: list[Numbered] = []
        self._false_rows.refresh()
        for record in records:
            try:
                row = parse_payload(record.payload)
            except RowRefused as refused:
                self._set_aside(log, record, refused.reason)
                continue
            if not self._false_rows.has(log.id_of(record.offset), record.offset, row.minute):
                rows.append((record.offset, row))
        for _, some in groupby(rows, lambda numbered: log.id_of(numbered[0])):
            self._store_rows(log, list(some), {record.offset: record for record in records})

    def _store_rows(self, log: Log, rows: Sequence[Numbered], records: Mapping[int, Record]) -> None:
        """Store rows; a single row that the database cannot hold is set aside."""
        found = list(outliers((row for _, row in rows), self._findings.now()))
        try:
            with self._database.transaction() as cursor:
                stored = store(cursor, self._site, log.id_of(rows[0][0]), rows, found)
                self._incidents.name(cursor, found)
        except (psycopg.DataError, psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation) as error:
            if len(rows) == 1:
                self._set_aside(log, records[rows[0][0]], type(error).__name__)
                return
            middle = len(rows) // 2
            self._store_rows(log, rows[:middle], records)
            self._store_rows(log, rows[middle:], records)
        except psycopg.Error as error:
            database.note("rows_not_stored", error)
            raise DatabaseDown(
                f"the database refuses the rows ({type(error).__name__}); see this process's log"
            ) from error
        else:
            self._counts.update(stored)

    def _set_aside(self, log: Log, record: Record, reason: str) -> None:
        self._counts["not_rows"] += 1
        if not_rows.set_aside(self._context.data, log.log_id, record, reason):
            _log.warning("not_a_row offset=%d reason=%s", record.offset, quoted(reason))

    def _keep_zones(self, now: datetime) -> None:
        """Once, register the zones of the settings. A full disk, which takes no audit, must not hold up the rows."""
        if self._zones_s is None or time.monotonic() < self._zones_s:
            return
        self._zones_s = time.monotonic() + NAMES_S
        try:
            with (
                database.refusing("zones_not_kept", "cannot register the zones"),
                self._database.transaction(registry.MOVE_TIMEOUT_S) as cursor,
            ):
                chosen = self._context.settings
                changed = registry.keep_zones(cursor, chosen.paths.data, chosen.site.id, chosen.zones, at=now)
        except audit.AuditUnwritable as error:
            _log.warning("zones_not_kept problem=%s", quoted(error))
            return
        self._zones_s = None
        if changed:
            _log.info("zones_kept count=%d", len(self._context.settings.zones))

    def _keep_names(self) -> None:
        """Now and then, copy the sensors' names for the alerts, who cannot ask the database."""
        if time.monotonic() < self._names_s:
            return
        with (
            database.refusing("names_not_read", "cannot read the sensors' names"),
            self._database.transaction() as cursor,
        ):
            query = "SELECT sensor, name FROM SENSOR_TB WHERE site = %s AND name <> '' ORDER BY sensor"
            cursor.execute(query, (self._site,))
            names = dict(cursor.fetchall())
        self._names_s = time.monotonic() + NAMES_S
        try:
            sensor_names.keep(self._context.data, names)
        except OSError as error:
            _log.warning("names_not_kept problem=%s", quoted(error))  # ids are shown meanwhile

    def _clean_up(self, now: datetime) -> None:
        with database.refusing("rows_not_dropped", "cannot drop old rows"):
            self._cleaning.step(self._database.transaction, now)
