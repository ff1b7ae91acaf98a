"""Rows into the database, without those that it cannot hold."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor

from common.logging_setup import quoted

T = TypeVar("T")

_log = logging.getLogger(__name__)


def store_each(cursor: Cursor[Any], rows: Sequence[T], store: Callable[[Sequence[T]], object]) -> None:
    """Store rows; a single one that the database cannot hold is left out, and said once."""
    if not rows:
        return
    try:
        with cursor.connection.transaction():
            store(rows)
    except psycopg.DataError as error:
        if len(rows) == 1:
            _log.warning("refused_by_database what=%s problem=%s", quoted(rows[0]), quoted(error))
            return
        middle = len(rows) // 2
        store_each(cursor, rows[:middle], store)
        store_each(cursor, rows[middle:], store)
