"""`hydrolog init-db`: make the tables that are missing."""

import sys

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cli import shell
from common import database, settings
from common.errors import HydrologError


class NotMade(HydrologError):
    """The tables cannot be made."""


def run(args: list[str]) -> int:
    """Make the tables; safe to run again.

    Raises:
        DatabaseDown: no answer.
        NotMade: the database refuses, for example because this user may not make tables.
    """
    options = shell.parser(
        "init-db", "Make the tables that are missing in the database of the settings; safe to run again."
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
    """Where a connection string leads, without its secrets."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "a connection string that cannot be understood"
    host = str(parts.get("host") or "local socket")
    return f"{parts.get('dbname') or parts.get('user') or 'postgres'} at {host}"
