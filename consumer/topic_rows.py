"""Rows of many sites into the database, each once."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Cursor

from common.database import statement

OTHER_ROW = "another row has this name"


def store(cursor: Cursor[Any], rows: Sequence[bytes]) -> tuple[int, dict[int, str]]:
    """Store rows, each as it lies in the topic; returns how many are new, and which cannot be stored: their numbers in
    `rows`, with the reason."""
    if not rows:
        return 0, {}
    cursor.execute(statement("topic_arrived").encode())
    stored, refused = 0, dict[int, str]()
    spans = [(0, len(rows))]
    while spans:
        first, end = spans.pop()
        try:
            with cursor.connection.transaction():
                new, others = _store(cursor, rows[first:end])
            stored += new
            refused |= dict.fromkeys((first + number for number in others), OTHER_ROW)
        except (psycopg.DataError, psycopg.IntegrityError) as error:  # the half that it is not in, and then the other
            if end - first == 1:
                refused[first] = type(error).__name__
            else:
                middle = (first + end) // 2
                spans += [(middle, end), (first, middle)]
        if spans:
            cursor.execute("TRUNCATE topic_arrived")
    return stored, refused


def _store(cursor: Cursor[Any], rows: Sequence[bytes]) -> tuple[int, list[int]]:
    """How many are new, and the numbers of those whose name another row has."""
    with cursor.copy("COPY topic_arrived FROM STDIN (NULL '')") as copy:
        copy.write(b"\n".join((*rows, b"")))  # no column can hold a backslash
    new = cursor.execute(statement("topic_rows").encode()).rowcount
    if new == len(rows):
        return new, []
    return new, [number - 1 for (number,) in cursor.execute(statement("topic_conflicts").encode()).fetchall()]
