"""A second site in the same database, with the same ids of sensors and other values: nothing of it may be seen."""

from typing import Any

import psycopg

from common.site_columns import KEYS, PARTITIONED

NAME = "neighbour"
OTHER = {
    "site": f"'{NAME}'",
    "name": "'NEIGHBOUR'",
    "flow": "flow * 3 + 50",
    "pressure": "pressure + 7",
    "hour_flow": "hour_flow * 3 + 50",
    "leak_day": "leak_day * 3 + 50",
    "reason": "'NEIGHBOUR'",
    "model": "'NEIGHBOUR'",
}
_COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY 1"


def moves_in(connection: psycopg.Connection[Any]) -> None:
    """It gets what the tables hold now, with other values."""
    for table in (*KEYS, PARTITIONED):
        columns = [name for (name,) in connection.execute(_COLUMNS, (table,)).fetchall()]
        values = ", ".join(OTHER.get(name, name) for name in columns)
        copy = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE site <> '{NAME}'"
        connection.execute(f"{copy} ON CONFLICT DO NOTHING".encode())
