"""The version of the tables: numbered changes, each made once and in their order, by one process at a time.

A new change takes the next number at the end of `CHANGES`. What was published is never altered: a database that has it
is not touched by it again.
"""

import functools
import logging
import re
import threading
import time
from collections.abc import Callable
from importlib import resources
from typing import Any, NamedTuple

import psycopg

from common import received_rows, site_columns
from common.errors import DatabaseDown, OtherTables, Stopped
from common.version import version as program_version

LOCK = 7203411  # of whoever changes the tables
LOCK_S = 600.0  # another process may be building indexes of a year of rows
LOOK_S = 0.2
TABLE_LOCK_S = 30.0  # whoever reads a table for long is not waited for: everybody else would wait behind us

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


Step = Callable[[Connection, str], None]  # connection, site of the rows that have none yet


class Change(NamedTuple):
    """One change of the tables: the statements of ``sql/migrations/NAME.sql``, or steps.

    Attributes:
        prepare: what takes long, while others go on. Cut short, it is begun again, so it must be safe to repeat.
        finish: the change itself, in one short transaction with its number.
        due: whether it may be made now, of a change with which the version before could not go on. Until then no
            process needs it, and those after it do not wait for it.
    """

    name: str
    prepare: Step | None = None
    finish: Step | None = None
    due: Callable[[Connection, str], bool] | None = None


CHANGES: tuple[Change, ...] = (
    Change("0001_tables"),  # repeatable: also for a database that was made before there were numbers
    Change("0002_site_columns", site_columns.add, site_columns.join),
    Change("0003_old_keys", None, site_columns.drop_old_keys, site_columns.nobody_goes_back),
    Change("0004_site_claims"),
    Change("0005_one_archive"),
    Change("0006_received_rows", received_rows.copy, received_rows.copied),
    Change("0007_received_tb", None, received_rows.drop, received_rows.nobody_goes_back),
    Change("0008_forecasts"),
    Change("0009_many_sites"),
)
VERSION = len(CHANGES)
NEEDED = max(number for number, change in enumerate(CHANGES, 1) if change.due is None)  # by the processes

_NUMBERS = """
CREATE TABLE IF NOT EXISTS SCHEMA_TB (
    version integer PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    program text NOT NULL -- its version
)
"""
_MADE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)


@functools.cache
def statements(name: str) -> str:
    """The statements of a change."""
    return resources.files("common.sql").joinpath(f"migrations/{name}.sql").read_text("utf-8")


def tables() -> list[str]:
    """hydrolog's tables, by the name that Postgres gives them; without its own note of the version."""
    made = (_MADE.findall(statements(change.name)) for change in CHANGES if change.finish is None)
    return [name.lower() for names in made for name in names if name.lower() != received_rows.TABLE]


def found(connection: Connection) -> int:
    """The number of the newest change that a database has; 0 if it has none.

    Raises:
        OtherTables: a newer hydrolog has changed it.
    """
    number = 0
    if connection.execute("SELECT to_regclass('schema_tb')").fetchone() != (None,):
        row = connection.execute("SELECT max(version) FROM SCHEMA_TB").fetchone()
        number = row[0] or 0 if row else 0
    if number > VERSION:
        raise OtherTables(
            f"the database was changed by a newer hydrolog (its tables have version {number}, this program knows "
            f"{VERSION}); install the newer one again"
        )
    return number


def update(connection: Connection, site: str, stop: threading.Event) -> list[str]:
    """Make the changes that a database lacks; returns their names. Nothing is locked if it lacks none.

    Args:
        connection: in autocommit mode; nobody else uses it.
        site: of the rows that were stored before rows had a site.
        stop: ends the wait for another process that changes the tables.

    Raises:
        OtherTables: a newer hydrolog has changed it.
        DatabaseDown: another process takes too long.
        Stopped: `stop` was set.
        psycopg.errors.LockNotAvailable: somebody uses a table for long.
        psycopg.Error: the database refuses. What was prepared stays, and the next try goes on from there.
    """
    if _next(connection, site) is None:
        return []
    _take_turn(connection, stop)
    made: list[str] = []
    try:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{TABLE_LOCK_S * 1000:.0f}ms",))
        while change := _next(connection, site):
            _make(connection, change, site)
            made.append(change.name)
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
    return made


def _next(connection: Connection, site: str) -> Change | None:
    """The first change that is missing and may be made now."""
    if not found(connection):
        return CHANGES[0]
    made = {number for (number,) in connection.execute("SELECT version FROM SCHEMA_TB").fetchall()}
    missing = [change for number, change in enumerate(CHANGES, 1) if number not in made]
    return next((change for change in missing if change.due is None or change.due(connection, site)), None)


def _make(connection: Connection, change: Change, site: str) -> None:
    began_s = time.monotonic()
    if change.prepare is not None:
        change.prepare(connection, site)
    with connection.transaction():
        if change.finish is None:
            connection.execute(statements(change.name).encode())
        else:
            change.finish(connection, site)
        connection.execute(_NUMBERS.encode())
        made = {"version": CHANGES.index(change) + 1, "program": program_version()}
        connection.execute("INSERT INTO SCHEMA_TB (version, program) VALUES (%(version)s, %(program)s)", made)
    _log.info("tables_changed change=%s seconds=%.1f", change.name, time.monotonic() - began_s)


def _take_turn(connection: Connection, stop: threading.Event) -> None:
    """By trying again and again: who waits inside a statement would be waited for by an index that is being built."""
    give_up_s = time.monotonic() + LOCK_S
    while connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        if time.monotonic() > give_up_s:
            raise DatabaseDown("another process is changing the tables of the database; try again when it has ended")
        if stop.wait(LOOK_S):
            raise Stopped
