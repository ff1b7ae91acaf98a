"""Rows into Postgres, each once. Deduplication is by the row's (site, log id, offset), never by the batch's key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from common.clock import minute_start
from common.database import Database
from server.batch import Arrived, BatchKey, BatchRefused

SLICE_ROWS = 10_000  # rows deleted at once: a few tenths of a second
STORE_TIMEOUT_S = 20.0  # below the senders' deadline of 30 s, so they get a 503

# The database may be configured not to wait for the disk, but an answer of 200 promises that rows are on disk.
_DURABLE = "SET LOCAL synchronous_commit = on"

# A key comes again after a lost answer. Its rows are then checked one by one like all others: a sender that lost its
# frozen batch may have added other forecasts.
_REMEMBER_BATCH = """
INSERT INTO RECEIVED_BATCH_TB AS known (key, rows, repeated) VALUES (%(key)s, %(rows)s, 0)
ON CONFLICT (key) DO UPDATE SET times_seen = known.times_seen + 1
RETURNING times_seen
"""

_COUNT_REPEATED = "UPDATE RECEIVED_BATCH_TB SET repeated = %(repeated)s WHERE key = %(key)s"

_ROWS = """
unnest(%(offsets)s::bigint[], %(times)s::timestamptz[], %(sensors)s::text[], %(flows)s::float8[],
       %(pressures)s::float8[], %(samples)s::integer[], %(flow_flags)s::text[], %(pressure_flags)s::text[],
       %(pred_flows)s::float8[], %(pred_pressures)s::float8[])
AS new(log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags, pred_flow, pred_pressure)
"""

_INSERT = f"""
INSERT INTO RECEIVED_TB (site, log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags,
                         pred_flow, pred_pressure)
SELECT %(site)s, %(log_id)s, new.* FROM {_ROWS}
ON CONFLICT (site, log_id, log_offset) DO NOTHING
"""

# The log's columns of a row never change. The forecast is added by the sender and not compared: rows sent again from
# the sender's database have none.
_CONFLICTS = f"""
SELECT count(*), min(new.log_offset)
FROM {_ROWS}
JOIN RECEIVED_TB old ON old.site = %(site)s AND old.log_id = %(log_id)s AND old.log_offset = new.log_offset
WHERE (old.time, old.sensor, old.flow, old.pressure, old.samples, old.flow_flags, old.pressure_flags)
   IS DISTINCT FROM (new.time, new.sensor, new.flow, new.pressure, new.samples, new.flow_flags, new.pressure_flags)
"""

# The age is measured from the newest row if that is older than now: a clock that jumped ahead must not delete a year.
_OLD = "(SELECT least(now(), max(time)) - interval '365 days' FROM RECEIVED_TB)"
_DROP_ROWS = f"""
DELETE FROM RECEIVED_TB WHERE ctid = ANY (ARRAY(SELECT ctid FROM RECEIVED_TB WHERE time < {_OLD} LIMIT {SLICE_ROWS}))
"""
_DROP_BATCHES = f"DELETE FROM RECEIVED_BATCH_TB WHERE received_at < {_OLD}"

_HIGHEST = "SELECT max(log_offset) FROM RECEIVED_TB WHERE site = %(site)s AND log_id = %(log_id)s"


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """The result of a batch: `stored` rows are new, `repeated` rows were already here."""

    stored: int
    repeated: int


def store(database: Database, key: BatchKey, rows: Sequence[Arrived]) -> StoredBatch:
    """Store the rows; on return they are on disk. The whole batch or nothing.

    Raises:
        BatchRefused: 409, an offset of this log holds another row here.
        DatabaseDown: nothing is known to be stored; the sender tries again.
    """
    values = _columns(key, rows) | {"key": key.text, "rows": len(rows)}
    with database.transaction(STORE_TIMEOUT_S) as cursor:
        cursor.execute(_DURABLE)
        (times_seen,) = _one(cursor.execute(_REMEMBER_BATCH, values))
        cursor.execute(_INSERT, values)
        stored = cursor.rowcount
        repeated = len(rows) - stored
        if repeated:
            _refuse_conflicts(cursor, values)
            if times_seen == 1:
                cursor.execute(_COUNT_REPEATED, values | {"repeated": repeated})
    return StoredBatch(stored, repeated)


def drop_old(database: Database) -> int:
    """Delete rows older than a year, at most `SLICE_ROWS`, and their batches; returns the number of rows.

    Raises:
        DatabaseDown: nothing was deleted.
    """
    with database.transaction(STORE_TIMEOUT_S) as cursor:
        cursor.execute(_DROP_BATCHES.encode())
        return cursor.execute(_DROP_ROWS.encode()).rowcount


def _refuse_conflicts(cursor: psycopg.Cursor[Any], values: dict[str, Any]) -> None:
    conflicts, first = _one(cursor.execute(_CONFLICTS, values))
    if not conflicts:
        return
    (highest,) = _one(cursor.execute(_HIGHEST, values))
    raise BatchRefused(
        409,
        f"offset {first} of this log is another row here; the highest offset held for this log is {highest}",
        offset=first,
        highest_offset=highest,
    )


def _columns(key: BatchKey, rows: Sequence[Arrived]) -> dict[str, Any]:
    return {
        "site": key.site,
        "log_id": key.log_id,
        "offsets": [arrived.offset for arrived in rows],
        "times": [minute_start(arrived.row.minute) for arrived in rows],
        "sensors": [arrived.row.sensor for arrived in rows],
        "flows": [arrived.row.flow for arrived in rows],
        "pressures": [arrived.row.pressure for arrived in rows],
        "samples": [arrived.row.samples for arrived in rows],
        "flow_flags": [arrived.row.flow_flags for arrived in rows],
        "pressure_flags": [arrived.row.pressure_flags for arrived in rows],
        "pred_flows": [arrived.pred_flow for arrived in rows],
        "pred_pressures": [arrived.pred_pressure for arrived in rows],
    }


def _one(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    assert row is not None
    return row
