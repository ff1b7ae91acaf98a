"""Rows of many sites into the database, each once."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Cursor

from common.clock import minute_start
from common.database import statement
from common.kafka_rows import SiteRow

Name = tuple[str, str, int]  # of a row: site, log id, offset
OTHER_ROW = "another row has this name"


def store(cursor: Cursor[Any], rows: Sequence[SiteRow]) -> tuple[int, dict[Name, str]]:
    """Store rows of different names; returns how many are new, and which cannot be stored, with the reason."""
    if not rows:
        return 0, {}
    try:
        with cursor.connection.transaction():
            return _store(cursor, rows)
    except psycopg.DataError as error:
        if len(rows) == 1:
            return 0, {rows[0].name: type(error).__name__}
    middle = len(rows) // 2
    first, refused = store(cursor, rows[:middle])
    second, more = store(cursor, rows[middle:])
    return first + second, refused | more


def _store(cursor: Cursor[Any], rows: Sequence[SiteRow]) -> tuple[int, dict[Name, str]]:
    # In one order everywhere: two who store the same rows then wait for each other instead of both failing.
    columns = _columns(sorted(rows, key=lambda row: row.name))
    new = cursor.execute(statement("topic_rows").encode(), columns).rowcount
    if new == len(rows):
        return new, {}
    others = cursor.execute(statement("topic_conflicts").encode(), columns).fetchall()
    return new, dict.fromkeys(others, OTHER_ROW)


def _columns(rows: Sequence[SiteRow]) -> dict[str, Any]:
    return {
        "site": [each.site for each in rows],
        "log_id": [each.log_id for each in rows],
        "log_offset": [each.offset for each in rows],
        "time": [minute_start(each.row.minute) for each in rows],
        "sensor": [each.row.sensor for each in rows],
        "flow": [each.row.flow for each in rows],
        "pressure": [each.row.pressure for each in rows],
        "samples": [each.row.samples for each in rows],
        "flow_flags": [each.row.flow_flags for each in rows],
        "pressure_flags": [each.row.pressure_flags for each in rows],
        "pred_flow": [each.pred_flow for each in rows],
        "pred_pressure": [each.pred_pressure for each in rows],
    }
