"""What versions before kept in RECEIVED_TB, a table of its own for what boxes sent, goes into the archive.

A trigger passes on what such a version still stores there, so both may run side by side; what was there before is
copied meanwhile. The table is dropped when nobody goes back to that version.
"""

from datetime import timedelta
from typing import Any

import psycopg

TABLE = "received_tb"
AGAIN = "received_again"  # where rows of that table are put to go the same way
COPIED_BY = 6  # the number of the change
KEPT = timedelta(days=7)  # the table, like the old keys
COPIED_AT_ONCE = timedelta(days=1)  # a transaction: of ten thousand boxes fourteen million rows

_AGAIN = f"""
CREATE TEMP TABLE {AGAIN} (
    site           text NOT NULL,
    log_id         text NOT NULL,
    log_offset     bigint NOT NULL,
    time           timestamptz NOT NULL,
    sensor         text NOT NULL,
    flow           double precision,
    pressure       double precision,
    samples        integer NOT NULL,
    flow_flags     text NOT NULL,
    pressure_flags text NOT NULL,
    pred_flow      double precision NOT NULL,
    pred_pressure  double precision NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
) ON COMMIT DELETE ROWS;
CREATE TRIGGER received_rows AFTER INSERT ON {AGAIN}
REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION received_rows();
"""

Connection = psycopg.Connection[Any]


def take(connection: Connection) -> None:
    """Make the temporary table `AGAIN`."""
    connection.execute(_AGAIN.encode())


def copy(connection: Connection, _site: str) -> None:
    """Copy the rows of every day. Cut short, it begins again: what is there already stays."""
    take(connection)
    next_day = f"SELECT date_trunc('day', min(time)) FROM {TABLE} WHERE time >= %s".encode()
    rows = f"INSERT INTO {AGAIN} SELECT * FROM {TABLE} WHERE time >= %s AND time < %s".encode()
    found = connection.execute(f"SELECT date_trunc('day', min(time)) FROM {TABLE}".encode()).fetchone()
    while found and (day := found[0]) is not None:
        connection.execute(rows, (day, day + COPIED_AT_ONCE))
        found = connection.execute(next_day, (day + COPIED_AT_ONCE,)).fetchone()
    connection.execute(f"DROP TABLE {AGAIN}".encode())


def copied(_connection: Connection, _site: str) -> None:
    """Nothing is left to do."""


def nobody_goes_back(connection: Connection, _site: str) -> bool:
    """Whether the table may go: a week after its rows were copied, or if it has none."""
    age = "(SELECT made_at FROM SCHEMA_TB WHERE version = %s) < now() - %s"
    query = f"SELECT {age} OR NOT EXISTS (SELECT FROM {TABLE})"
    return connection.execute(query.encode(), (COPIED_BY, KEPT)).fetchone() == (True,)


def drop(connection: Connection, _site: str) -> None:
    """With its trigger."""
    connection.execute(f"DROP TABLE {TABLE}".encode())
