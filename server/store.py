"""Rows into Postgres, each once."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from common import arrived_rows, site_marks
from common.batch_mark import BatchMark
from common.database import Database, statement
from common.errors import DatabaseDown
from common.folder import LOG_FILE
from common.kafka_rows import SiteMark
from common.logging_setup import quoted
from common.settings import Settings
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
    database: Database, key: BatchKey, lines: Sequence[bytes], mark: BatchMark | None = None, *, at_home: bool = False
) -> StoredBatch:
    """Store the rows of a batch's lines; on return they are on disk. The whole batch or nothing.

    Args:
        at_home: the site's own archive stores into this database, too. Its rows are new if the batch is.

    Raises:
        BatchRefused: 422, the database cannot hold a row.
        DatabaseDown: nothing is known to be stored; the sender tries again.
    """
    values = {"key": key.text, "rows": len(lines)}
    with database.transaction(STORE_TIMEOUT_S) as cursor:
        cursor.execute(_DURABLE)
        (times_seen,) = _one(cursor.execute(statement("received_batch"), values))
        whose = f"{key.site}\t{key.log_id}\t".encode()
        found = arrived_rows.store(cursor, [whose + line for line in lines], home=key.site if at_home else None)
        for number, reason in sorted(found.refused.items()):
            problem = f"row {number + 1}: the database cannot hold it ({reason})"
            raise BatchRefused(422, problem, row=number + 1, column="line")
        second = found.second.total()
        stored = (0 if times_seen > 1 else len(lines)) if at_home else found.new + second
        repeated = len(lines) - stored
        if repeated and times_seen == 1:
            cursor.execute(_COUNT_REPEATED, values | {"repeated": repeated})
        marks = [SiteMark(key.site, key.log_id, key.last + 1, mark)] if mark is not None else []
        site_marks.store(cursor, {key.site: None}, marks)
    if second:
        _log.warning("second_rows site=%s rows=%d batch=%s", quoted(key.site), second, quoted(key.text))
    return StoredBatch(stored, repeated)


class InDatabase:
    """Keeps batches in Postgres; see `server.ingest.Keeper`."""

    room_bytes, least_bytes = MAX_POSTS * MIB, MIB

    def __init__(self, desk: DatabaseThread, settings: Settings) -> None:
        self._desk, self._site = desk, settings.site.id
        self._log = settings.paths.data / LOG_FILE  # where it is, a box works

    async def keep(self, key: BatchKey, lines: list[bytes], mark: BatchMark | None) -> StoredBatch:
        at_home = key.site == self._site and self._log.exists()
        try:
            return await self._desk.ask(lambda database: store(database, key, lines, mark, at_home=at_home))
        except DatabaseDown as down:
            raise NotKept("the database does not answer; nothing of this batch is stored", str(down)) from down


def _one(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    assert row is not None
    return row
