"""Rows into Postgres, each once. Deduplication is by the row's (site, log id, offset), never by the batch's key."""

from collections.abc import Sequence
from typing import Any

import psycopg

from common import sent_row, site_marks
from common.batch_mark import BatchMark
from common.clock import minute_start
from common.database import Database, statement
from common.errors import DatabaseDown
from common.kafka_rows import SiteMark
from common.row import parse_time
from server.batch import BatchKey, BatchRefused, NotKept, StoredBatch
from server.db_thread import DatabaseThread

MIB = 1024 * 1024
SLICE_ROWS = 10_000  # rows deleted at once: a few tenths of a second
CONNECTIONS = 4  # small batches wait for the disk and share its flush: three times as many of them as with one
MAX_POSTS = 4 * CONNECTIONS  # batches that are read, wait or are stored: more would wait longer than their senders do
STORE_TIMEOUT_S = 20.0  # below the senders' deadline of 30 s, so they get a 503

# The database may be configured not to wait for the disk, but an answer of 200 promises that rows are on disk.
_DURABLE = "SET LOCAL synchronous_commit = on"

_NAMES = [f"{name.rstrip('s')}s" for name in sent_row.COLUMNS]  # of the statements' arrays: offset -> offsets
_COUNT_REPEATED = "UPDATE RECEIVED_BATCH_TB SET repeated = %(repeated)s WHERE key = %(key)s"
_HIGHEST = "SELECT max(log_offset) FROM RECEIVED_TB WHERE site = %(site)s AND log_id = %(log_id)s"


def store(database: Database, key: BatchKey, lines: Sequence[bytes], mark: BatchMark | None = None) -> StoredBatch:
    """Store the rows of a batch's lines; on return they are on disk. The whole batch or nothing.

    Raises:
        BatchRefused: 409, an offset of this log holds another row here.
        DatabaseDown: nothing is known to be stored; the sender tries again.
    """
    values = _columns(key, lines) | {"key": key.text, "rows": len(lines)}
    with database.transaction(STORE_TIMEOUT_S) as cursor:
        cursor.execute(_DURABLE)
        (times_seen,) = _one(cursor.execute(statement("received_batch"), values))
        cursor.execute(statement("received_rows"), values)
        stored = cursor.rowcount
        repeated = len(lines) - stored
        if repeated:
            _refuse_conflicts(cursor, values)
            if times_seen == 1:
                cursor.execute(_COUNT_REPEATED, values | {"repeated": repeated})
        marks = [SiteMark(key.site, key.log_id, key.last + 1, mark)] if mark is not None else []
        site_marks.store(cursor, {key.site: None}, marks)
    return StoredBatch(stored, repeated)


class InDatabase:
    """Keeps batches in Postgres; see `server.ingest.Keeper`."""

    room_bytes, least_bytes = MAX_POSTS * MIB, MIB

    def __init__(self, desk: DatabaseThread) -> None:
        self._desk = desk

    async def keep(self, key: BatchKey, lines: list[bytes], mark: BatchMark | None) -> StoredBatch:
        try:
            return await self._desk.ask(lambda database: store(database, key, lines, mark))
        except DatabaseDown as down:
            raise NotKept("the database does not answer; nothing of this batch is stored", str(down)) from down


def drop_old(database: Database) -> int:
    """Delete rows older than a year, at most `SLICE_ROWS`, and their batches; returns the number of rows.

    Raises:
        DatabaseDown: nothing was deleted.
    """
    with database.transaction(STORE_TIMEOUT_S) as cursor:
        cursor.execute(statement("received_drop_batches"))
        return cursor.execute(statement("received_drop_rows"), {"rows": SLICE_ROWS}).rowcount


def _refuse_conflicts(cursor: psycopg.Cursor[Any], values: dict[str, Any]) -> None:
    conflicts, first = _one(cursor.execute(statement("received_conflicts"), values))
    if not conflicts:
        return
    (highest,) = _one(cursor.execute(_HIGHEST, values))
    raise BatchRefused(
        409,
        f"offset {first} of this log is another row here; the highest offset held for this log is {highest}",
        offset=first,
        highest_offset=highest,
    )


def _columns(key: BatchKey, lines: Sequence[bytes]) -> dict[str, Any]:
    found = dict(zip(_NAMES, zip(*(line.decode("ascii").split("\t") for line in lines), strict=True), strict=True))
    return {
        "site": key.site,
        "log_id": key.log_id,
        **{name: list(texts) for name, texts in found.items()},
        "times": [minute_start(parse_time(text)) for text in found["times"]],  # Postgres knows fewer of them
        "flows": [text or None for text in found["flows"]],
        "pressures": [text or None for text in found["pressures"]],
    }


def _one(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    assert row is not None
    return row
