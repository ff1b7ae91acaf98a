"""The tables in a backup: each as COPY writes it, all of one moment; also from and to a database of your own."""

import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from cli.backup_file import BackupDamaged, BackupWriter, TableRows
from common import database, received_rows, schema

_MONTH = re.compile(r"real_val_(\d{4})(\d\d)")
_PARTITIONED = "real_val_tb"
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s) ORDER BY 1"

_KNOWN = {received_rows.TABLE}  # of versions before

Connection = psycopg.Connection[Any]


def copy_out(connection: Connection, writer: BackupWriter) -> dict[str, TableRows]:
    """Every row of hydrolog's tables, of one moment.

    Raises:
        psycopg.Error: the database refuses.
    """
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    found = {}
    with connection.transaction():
        for table in _tables(connection):
            columns = [name for (name,) in connection.execute(_COLUMNS.encode(), (table,))]
            if columns:  # otherwise it came with a later version
                found[table] = TableRows(columns, _table_out(connection, writer, table, columns))
    return found


def _tables(connection: Connection) -> list[str]:
    months = [name for (name,) in connection.execute(_PARTITIONS.encode(), (_PARTITIONED,))]
    return [*(name for name in schema.tables() if name != _PARTITIONED), *filter(_MONTH.fullmatch, months)]


def _table_out(connection: Connection, writer: BackupWriter, table: str, columns: list[str]) -> int:
    rows = 0

    def blocks(copy: psycopg.Copy) -> Iterator[bytes]:
        nonlocal rows
        for block in copy:
            rows += bytes(block).count(b"\n")  # a line break in a value is written as \n
            yield bytes(block)

    with connection.cursor().copy(_statement(table, columns, "TO STDOUT")) as copy:
        writer.add_pieces(f"database/{table}", blocks(copy))
    return rows


def _statement(table: str, columns: list[str], direction: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) {}").format(sql.Identifier(table), names, sql.SQL(direction))


def filled(url: str) -> list[str]:
    """The tables of ours that have rows already."""
    with database.connect(url, "restore") as connection:
        there = [name for name in schema.tables() if connection.execute(_COLUMNS.encode(), (name,)).fetchone()]
        exists = "SELECT EXISTS (SELECT FROM {})"
        rows = {name: connection.execute(sql.SQL(exists).format(sql.Identifier(name))).fetchone() for name in there}
    return [name for name, found in rows.items() if found and found[0]]


def copy_in(
    connection: Connection, site: str, tables: dict[str, TableRows], pieces: Iterable[tuple[str, Iterator[bytes]]]
) -> int:
    """Put the rows into the empty tables of this version; the number of rows.

    Args:
        connection: within a transaction.
        site: of rows from before rows had a site.
        tables: what must be there at the end.
        pieces: the table and the content of each piece; those of a table follow one another.

    Raises:
        BackupDamaged: a table that this version does not have, or another number of rows.
        psycopg.Error: the database refuses.
    """
    if received_rows.TABLE in tables:
        received_rows.make(connection)
    for table, some in itertools.groupby(pieces, lambda piece: piece[0]):
        if table not in tables or not (table in _KNOWN or table in schema.tables() or _MONTH.fullmatch(table)):
            raise BackupDamaged(f"this version of hydrolog has no table {table}: install the version of the backup")
        if month := _MONTH.fullmatch(table):
            connection.execute("SELECT real_val_partition(%s::timestamptz)", (f"{month[1]}-{month[2]}-01Z",))
        into = _statement(table, tables[table].columns, "FROM STDIN")
        with _site_of_old_rows(connection, site, table, tables[table].columns), connection.cursor().copy(into) as copy:
            for _, blocks in some:
                for block in blocks:
                    copy.write(block)
    for table, expected in tables.items():
        if expected.rows:
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            if connection.execute(count).fetchone() != (expected.rows,):
                raise BackupDamaged(f"the table {table} does not have the {expected.rows} rows of the backup")
    if received_rows.TABLE in tables:
        received_rows.pass_on(connection)
    return sum(expected.rows for expected in tables.values())


@contextmanager
def _site_of_old_rows(connection: Connection, site: str, table: str, columns: list[str]) -> Iterator[None]:
    """While rows come that have no site, the table gives them one."""
    there = [name for (name,) in connection.execute(_COLUMNS.encode(), (table,))]
    if "site" not in there or "site" in columns:
        yield
        return
    alter = sql.SQL("ALTER TABLE {} ALTER COLUMN site ").format(sql.Identifier(table))
    connection.execute(alter + sql.SQL("SET DEFAULT {}").format(sql.Literal(site)))
    yield
    connection.execute(alter + sql.SQL("DROP DEFAULT"))
