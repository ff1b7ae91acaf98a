"""Every row of a point has its site: a column, and keys that begin with it.

First the column and the new keys come beside the old ones. A large table is not written anew, rows come and go
meanwhile, and the version before can go on with it. The old keys are dropped when nobody goes back to that version.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

PARTITIONED = "real_val_tb"
MINUTES = "site, sensor, time"  # the key of a table of minutes
KEPT = timedelta(days=7)  # the old keys, like the old files of an upgraded Postgres
KEYS = {
    "sensor_tb": "site, sensor",
    "unregistered_val_tb": MINUTES,
    "outlier_tb": "site, sensor, time, channel, method",
    "pred_val_tb": "site, sensor, made_at, hour",
    "night_flow_val_tb": MINUTES,
    "night_report_tb": "site, sensor, night",
}

Connection = psycopg.Connection[Any]


class Index(NamedTuple):
    """An index to be built. `rest` is what follows the table's name in its definition."""

    name: str
    table: str
    rest: str
    unique: bool = False


OTHERS = (  # and the index that each replaces
    (
        Index("outlier_site_no_incident", "outlier_tb", "(site, sensor, time) WHERE incident IS NULL"),
        "outlier_without_incident",
    ),
    (Index("incident_site_began", "incident_tb", "(site, sensor, began)"), "incident_began"),
    (Index("pred_val_site_hour", "pred_val_tb", "(site, hour, sensor)"), "pred_val_hour"),
)


def add(connection: Connection, site: str) -> None:
    """Add the column and build the indexes; cut short, it goes on with what is missing."""
    with connection.transaction():  # all of them, so that all rows get the same site
        for table in (*KEYS, PARTITIONED):
            add = sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS site text NOT NULL DEFAULT {}")
            connection.execute(add.format(sql.Identifier(table), sql.Literal(site)))
    for index in _indexes(connection):
        _build(connection, index)


def join(connection: Connection, _site: str) -> None:
    """The months' indexes become one, which each new month gets too."""
    name, table = sql.Identifier(_key_name(PARTITIONED)), sql.Identifier(PARTITIONED)
    connection.execute(sql.SQL("CREATE UNIQUE INDEX {} ON {} ({})").format(name, table, sql.SQL(MINUTES)))


def nobody_goes_back(connection: Connection, site: str) -> bool:
    """Whether the old keys may go: a week after the new ones came, or where the site has no row that it could lose, or
    another site delivers."""
    tables = ("sensor_tb", PARTITIONED, "unregistered_val_tb")
    rows = " OR ".join(f"EXISTS (SELECT FROM {table} WHERE site = %(site)s)" for table in tables)
    others = "EXISTS (SELECT FROM SITE_TB WHERE site <> %(site)s)"
    age = "(SELECT made_at FROM SCHEMA_TB WHERE version = 2) < now() - %(kept)s"
    query = f"SELECT NOT ({rows}) OR {others} OR {age}"
    return connection.execute(query.encode(), {"site": site, "kept": KEPT}).fetchone() == (True,)


def drop_old_keys(connection: Connection, _site: str) -> None:
    """Two sites may now have the same sensor, and whoever writes must say which site."""
    _drop_key(connection, PARTITIONED)
    for table in KEYS:
        _drop_key(connection, table)
        use = sql.SQL("ALTER TABLE {} ADD PRIMARY KEY USING INDEX {}")
        connection.execute(use.format(sql.Identifier(table), sql.Identifier(_key_name(table))))
    for _, replaced in OTHERS:
        connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(replaced)))
    for table in (*KEYS, PARTITIONED):
        connection.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN site DROP DEFAULT").format(sql.Identifier(table)))
    connection.execute("COMMENT ON TABLE SENSOR_TB IS NULL")  # where earlier versions kept their mark


def _indexes(connection: Connection) -> Iterator[Index]:
    keys = KEYS | dict.fromkeys(_partitions(connection), MINUTES)
    for table, columns in keys.items():
        yield Index(_key_name(table), table, f"({columns})", unique=True)
    for index, _ in OTHERS:
        yield index


def _partitions(connection: Connection) -> list[str]:
    query = "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = %s::regclass"
    return [name for (name,) in connection.execute(f"{query} ORDER BY 1".encode(), (PARTITIONED,)).fetchall()]


def _key_name(table: str) -> str:
    return f"{table}_site_key"


def _build(connection: Connection, index: Index) -> None:
    if _is_built(connection, index.name):
        return
    name = sql.Identifier(index.name)
    # Left by somebody who was cut short: it is incomplete and of no use.
    connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))
    build = sql.SQL("CREATE UNIQUE INDEX" if index.unique else "CREATE INDEX")
    table = sql.Identifier(index.table)
    connection.execute(sql.SQL("{} CONCURRENTLY {} ON {} {}").format(build, name, table, sql.SQL(index.rest)))


def _is_built(connection: Connection, name: str) -> bool:
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    return connection.execute(query.encode(), (name,)).fetchone() == (True,)


def _drop_key(connection: Connection, table: str) -> None:
    query = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'"
    for (name,) in connection.execute(query.encode(), (table,)).fetchall():
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        connection.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
