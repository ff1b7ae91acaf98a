"""Rows into Postgres, each once."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from common import arrived_rows, database, site_marks
from common.arrived_rows import Whose
from common.batch_mark import BatchMark
from common.database import Database, statement
from common.errors import DatabaseDown, DatabaseRefuses
from common.kafka_rows import SiteMark
from common.logging_setup import quoted
from common.settings import Settings
from log import identity
from server.batch import BatchKey, BatchRefused, NotKept, StoredBatch
from server.db_thread import DatabaseThread

MIB = 1024 * 1024
CONNECTIONS = 4  # small batches wait for the disk and share its flush: three times as many of them as with one
MAX_POSTS = 4 * CONNECTIONS  # batches that are read, wait or are stored: more would wait longer than their senders do
STORE_TIMEOUT_S = 20.0  # below the senders' deadline of 30 s, so they get a 503

# The database may be configured not to wait for the disk, but an answer of 200 promises that rows are on disk.
_DURABLE = "SET LOCAL synchronous_commit = on"
_COUNT_REPEATED = "UPDATE RECEIVED_BATCH_TB SET repeated = %(repeated)s WHERE key = %(key)s"

_log = logging.getLogger(__name__)


def store(
    connected: Database,
    key: BatchKey,
    lines: Sequence[bytes],
    mark: BatchMark | None = None,
    whose: Whose = Whose.SENT,
) -> StoredBatch:
    """Store the rows of a batch's lines; on return they are on disk. The whole batch or nothing.

    Raises:
        BatchRefused: 422, the database cannot hold a row.
        DatabaseDown: nothing is known to be stored; the sender tries again.
    """
    values = {"key": key.text, "rows": len(lines)}
    with connected.transaction(STORE_TIMEOUT_S) as cursor:
        cursor.execute(_DURABLE)
        (times_seen,) = _one(cursor.execute(statement("received_batch"), values))
        name = f"{key.site}\t{key.log_id}\t".encode()
        found = arrived_rows.store(cursor, [name + line for line in lines], whose)
        for number, reason in sorted(found.refused.items()):
            problem, column = f": the database cannot hold it ({reason})", "line"
            if reason == arrived_rows.MONTHS:
                problem, column = ", time: of one month too many", "time"
            raise BatchRefused(422, f"row {number + 1}{problem}", row=number + 1, column=column)
        second = found.second.total()
        stored = found.new + second
        if whose is Whose.OWN:  # whoever was first: they are new if the batch is
            stored = 0 if times_seen > 1 else len(lines)
        repeated = len(lines) - stored
        if repeated and times_seen == 1:
            cursor.execute(_COUNT_REPEATED, values | {"repeated": repeated})
        marks = [SiteMark(key.site, key.log_id, key.last + 1, mark)] if mark is not None else []
        if whose is Whose.STRANGE:
            marks = []
        site_marks.store(cursor, {key.site: None}, marks)
        counts = {"site": key.site, "new": int(times_seen == 1), "stored": stored, "repeated": repeated}
        cursor.execute(statement("site_counted").encode(), counts)
    if second:
        _log.warning("second_rows site=%s rows=%d batch=%s", quoted(key.site), second, quoted(key.text))
    return StoredBatch(stored, repeated)


class InDatabase:
    """Keeps batches in Postgres; see `server.ingest.Keeper`."""

    room_bytes, least_bytes = MAX_POSTS * MIB, MIB

    def __init__(self, desk: DatabaseThread, settings: Settings) -> None:
        self._desk, self._site, self._data = desk, settings.site.id, settings.paths.data
        self.refusal = ""  # why the database has refused the last batch, as it would any other

    async def keep(self, key: BatchKey, lines: list[bytes], mark: BatchMark | None) -> StoredBatch:
        try:
            stored = await self._desk.ask(lambda connected: store(connected, key, lines, mark, self._whose(key)))
        except DatabaseDown as down:
            self.refusal = str(down) if isinstance(down, DatabaseRefuses) else ""
            raise NotKept("the database cannot store rows now; nothing of this batch is stored", str(down)) from down
        except psycopg.Error as error:
            database.note("rows_not_stored", error)
            why = f"the database refuses the rows ({type(error).__name__}); see this process's log"
            raise NotKept("the database refuses the rows; nothing of this batch is stored", why) from error
        except OSError as error:
            raise NotKept("this server's disk does not answer; nothing of this batch is stored", str(error)) from error
        self.refusal = ""
        return stored

    def _whose(self, key: BatchKey) -> Whose:
        """Whether a box works in the same folder, under the name of this site, and whether the batch is of its log."""
        own = identity.load(self._data) if key.site == self._site else None
        if own is None:
            return Whose.SENT
        return Whose.OWN if own.of(key.last) == key.log_id else Whose.STRANGE


def _one(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    assert row is not None
    return row
