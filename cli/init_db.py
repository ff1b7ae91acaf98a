"""`hydrolog init-db`: create missing tables."""

import sys

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cli import shell
from common import database, settings
from common.errors import HydrologError


class NotMade(HydrologError):
    """The tables cannot be created."""


def run(args: list[str]) -> int:
    """Create the tables; safe to repeat.

    Raises:
        DatabaseDown: no answer.
        NotMade: the database refuses, for example because this user may not create tables.
    """
    options = shell.parser(
        "init-db", "Create missing tables in the database of the settings; safe to repeat."
    ).parse_args(args)
    chosen = settings.load(options.config)
    url = database.address(chosen)
    try:
        database.init_schema(url)
    except psycopg.Error as error:
        raise NotMade(f"the database refuses: {shell.printable(str(error).strip())}") from error
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
