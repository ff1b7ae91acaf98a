"""`hydrolog init-db`: make the tables, or bring them to this version."""

import sys

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cli import shell, site_rename
from common import database, settings
from common.errors import HydrologError

RENAME_S = 3600.0  # a year of rows is written anew, on a slow disk


class TablesNotMade(HydrologError):
    """The tables cannot be created."""


def run(args: list[str]) -> int:
    """Make the tables, or change those of an older version; safe to repeat.

    Raises:
        DatabaseDown: no answer; or a newer hydrolog has changed the tables, or somebody uses them.
        NotMade: the database refuses, for example because this user may not create tables.
        NotRenamed: there is no such site, or both have the same row.
    """
    parser = shell.parser(
        "init-db",
        "Make the tables in the database of the settings, or bring those of an older version to this one; safe to "
        "repeat. Stop hydrolog first.",
    )
    parser.add_argument(
        "--site-was", metavar="ID", help="site.id has been changed from this: all rows of that site get the new id"
    )
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    url = database.address(chosen)
    try:
        database.update_schema(url, options.site_was or chosen.site.id)
        if options.site_was is not None:
            with database.changing(chosen, "init-db", RENAME_S) as cursor:
                rows = site_rename.rename(cursor, options.site_was, chosen.site.id)
            sys.stdout.write(shell.printable(f"{rows} rows of {options.site_was} are now of {chosen.site.id}") + "\n")
    except psycopg.Error as error:
        raise TablesNotMade(f"the database refuses: {shell.printable(str(error).strip())}") from error
    sys.stdout.write(f"the tables are there ({shell.printable(database_name(url))})\n")
    return 0


def database_name(url: str) -> str:
    """The database in a connection string, without secrets."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "a connection string that cannot be understood"
    host = str(parts.get("host") or "local socket")
    return f"{parts.get('dbname') or 'the database with the name of the user'} at {host}"
