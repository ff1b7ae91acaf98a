"""Rows are kept for a year; what is older is dropped by whoever stores."""

import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import Cursor, sql

from common.errors import CutShort
from common.logging_setup import quoted

RETENTION = timedelta(days=365)
SLICE_ROWS = 10_000  # rows deleted per transaction: about ten milliseconds
LOCK_TIMEOUT_MS = 2000  # a backup may read a partition for an hour; then it is dropped tomorrow

# Tables deleted row by row, and their age column. A forecast cannot be checked once its rows are gone.
_OLD_ROWS = {
    "unregistered_val_tb": "time",
    "pred_val_tb": "hour",
    "outlier_tb": "time",
    "second_val_tb": "time",
    "site_pred_val_tb": "time",
}
_OF_NO_SITE = {"received_batch_tb": "received_at"}
_PARTITION = re.compile(r"real_val_(\d{4,6})(\d\d)")

_log = logging.getLogger(__name__)

Month = tuple[int, int]


class Cleaning:
    """Once a day drops what is old, a slice per step. What cannot be done in time is left to the next day: rows are
    stored meanwhile, and who stands still for what is too old does nothing else."""

    def __init__(self, site: str | None = None) -> None:
        """`site`: of whose rows; None = of all."""
        self._site = site
        self._cleaned: date | None = None

    def step(self, transaction: Callable[[], AbstractContextManager[Cursor[Any]]], now: datetime) -> None:
        """Drop some, if it is not done for today.

        Raises:
            DatabaseDown: the next step tries again.
            psycopg.Error: the database refuses.
        """
        if self._cleaned == now.date():
            return
        dropped, done = list[str](), True
        try:
            with transaction() as cursor:
                dropped, done = drop_old(cursor, now, self._site)
        except CutShort as error:
            _log.warning("retention_postponed problem=%s", quoted(error))
        if done:
            self._cleaned = now.date()
        if dropped:
            _log.info("retention dropped=%s", ",".join(dropped))


def drop_old(cursor: Cursor[Any], now: datetime, site: str | None = None) -> tuple[list[str], bool]:
    """Drop old months, which hold the rows of all sites, and older rows of a site, of all sites without one.

    Old is what is older than a year by this clock, by the database's and by the newest month with a row: none of them,
    if it jumps ahead, deletes a year. A site that has been taken away loses its rows like all others.

    Returns: the dropped partitions, and whether nothing old is left.
    """
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'real_val_tb'::regclass")
    names = [found for (name,) in cursor.fetchall() if (found := _PARTITION.fullmatch(name))]
    months = {(int(found[1]), int(found[2])): found[0] for found in names}
    newest = _newest(cursor, months)
    if newest is None:
        return [], True
    clock = cursor.execute("SELECT now()").fetchone()
    assert clock is not None
    oldest_kept = min(now, clock[0], newest) - RETENTION
    first_kept = (oldest_kept.year, oldest_kept.month)
    old = [name for month, name in sorted(months.items(), reverse=True) if month < first_kept]
    deleted = [_delete(cursor, site, table, column, oldest_kept) for table, column in _OLD_ROWS.items()]
    if site is None:
        deleted += [_delete(cursor, site, table, column, oldest_kept) for table, column in _OF_NO_SITE.items()]
    return [name for name in old if _drop(cursor, name)], max(deleted) < SLICE_ROWS


def _newest(cursor: Cursor[Any], months: dict[Month, str]) -> datetime | None:
    """The end of the newest month with a row, since no index leads to that row; or the newest unregistered row."""
    for (year, month), name in sorted(months.items(), reverse=True):
        if cursor.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(name))).fetchone() is not None:
            return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    found = cursor.execute("SELECT max(time) FROM UNREGISTERED_VAL_TB").fetchone()
    newest: datetime | None = found[0] if found else None
    return newest


def _delete(cursor: Cursor[Any], site: str | None, table: str, column: str, before: datetime) -> int:
    """Delete a slice of a table's old rows: deleting many at once would take minutes."""
    which = sql.SQL("{} < {}").format(sql.Identifier(column), before)
    if site is not None:
        which = sql.SQL("site = {} AND {}").format(site, which)
    slice_of = sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {which} LIMIT {rows}))"
    ).format(table=sql.Identifier(table), which=which, rows=SLICE_ROWS)
    return cursor.execute(slice_of).rowcount


def _drop(cursor: Cursor[Any], partition: str) -> bool:
    """Drop a partition, unless a long read holds the table: waiting would block everybody else."""
    try:
        with cursor.connection.transaction():
            cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition)))
    except psycopg.errors.LockNotAvailable:
        _log.warning("retention_postponed partition=%s somebody reads the table", partition)
        return False
    return True
