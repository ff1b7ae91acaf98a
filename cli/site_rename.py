"""A site whose id has changed: what the database holds of it gets the new one."""

from typing import Any

import psycopg
from psycopg import Cursor, sql

from common import schema
from common.database import statement
from common.errors import HydrologError

# Of what sites deliver here: it keeps the id with which it came.
DELIVERED = ("site_tb", "site_mark_tb", "site_work_tb")
# Only hydrolog's own, in whatever schema they are: others in the same database may have sites, too.
_TABLES = """
SELECT name FROM unnest(%s::text[]) AS name JOIN pg_attribute ON attrelid = to_regclass(name)
WHERE attname = 'site' AND NOT attisdropped AND name <> ALL(%s)
ORDER BY name = 'sensor_tb' DESC, name
"""


class NotRenamed(HydrologError):
    """The site keeps its id."""


def others(cursor: Cursor[Any], site: str) -> list[str]:
    """The ids of the other sites that have a sensor; at most ten."""
    cursor.execute("SELECT DISTINCT site FROM SENSOR_TB WHERE site <> %s ORDER BY 1 LIMIT 10", (site,))
    return [name for (name,) in cursor.fetchall()]


def rename(cursor: Cursor[Any], before: str, site: str) -> int:
    """Give all rows of the site `before` the id `site`; returns how many, in all tables together.

    Raises:
        NotRenamed: there is no such site, or both have the same sensor or row. Nothing has changed.
        psycopg.Error: the database refuses.
    """
    rows = 0
    cursor.execute(_TABLES.encode(), (schema.tables(), list(DELIVERED)))
    for (table,) in cursor.fetchall():
        update = sql.SQL("UPDATE {} SET site = %s WHERE site = %s").format(sql.Identifier(table))
        try:
            rows += cursor.execute(update, (site, before)).rowcount
        except psycopg.errors.UniqueViolation as error:
            said = error.diag.message_detail or ""
            raise NotRenamed(f"{before} and {site} have the same in {table}: {said.removeprefix('Key ')}") from error
    if not rows:
        raise NotRenamed(f"the database has no row of a site {before}")
    cursor.execute("SELECT sensor FROM SENSOR_TB WHERE site = %s", (site,))
    for (sensor,) in cursor.fetchall():  # rows that came under the new id, when it had no registered sensor yet
        for name in ("sensor_months", "sensor_move"):
            cursor.execute(statement(name).encode(), {"site": site, "sensor": sensor})
    return rows
