"""Rows of many sites into the database, each once."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Cursor

from common.database import statement
from common.kafka_rows import SiteRow

Name = tuple[str, str, int]  # of a row: site, log id, offset
OTHER_ROW = "another row has this name"


def store(cursor: Cursor[Any], rows: Sequence[SiteRow]) -> tuple[int, dict[Name, str]]:
    """Store rows of different names; returns how many are new, and which cannot be stored, with the reason."""
    if not rows:
        return 0, {}
    cursor.execute(statement("topic_arrived").encode())
    try:
        with cursor.connection.transaction():
            return _store(cursor, rows)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            return 0, {rows[0].name: type(error).__name__}
    middle = len(rows) // 2
    first, refused = store(cursor, rows[:middle])
    cursor.execute("TRUNCATE topic_arrived")
    second, more = store(cursor, rows[middle:])
    return first + second, refused | more


def _store(cursor: Cursor[Any], rows: Sequence[SiteRow]) -> tuple[int, dict[Name, str]]:
    with cursor.copy("COPY topic_arrived FROM STDIN (NULL '')") as copy:
        copy.write("".join(f"{each.text}\n" for each in rows))  # no column can hold a backslash
    new = cursor.execute(statement("topic_rows").encode()).rowcount
    if new == len(rows):
        return new, {}
    return new, dict.fromkeys(cursor.execute(statement("topic_conflicts").encode()).fetchall(), OTHER_ROW)
