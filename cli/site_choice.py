"""`--site`: which of the sites in the database a command is about."""

import argparse
from contextlib import closing
from dataclasses import replace

import psycopg

from cli import shell
from common.database import Database, statement
from common.errors import DatabaseDown, SettingsError
from common.logging_setup import quoted
from common.settings import Settings
from common.settings_checks import time_zone

MOST_NAMED = 10
OPTION = "--site"
HELP = "a site in the database (default: that of the settings; where it has no sensor, the only one that has some)"


def add(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add --site ID. `again`: it may stand before this action's name, too."""
    parser.add_argument(OPTION, metavar="ID", default=argparse.SUPPRESS if again else None, help=HELP)


def of(chosen: Settings, asked: str | None, *, changes: bool = False) -> Settings:
    """The settings with the site that is meant: its id and its zone. Zones that are sums belong to the settings' own.

    Args:
        changes: another site than that of the settings must be named.

    Raises:
        SettingsError: there is no such site, or several of which none is named.
        DatabaseDown: no answer, or it refuses.
    """
    own = chosen.site.id
    if asked is None and changes:
        site, zone = own, None
    elif asked is None:
        found = _sites(chosen, own, 1) or _sites(chosen, None, MOST_NAMED + 1)
        if len(found) > 1:
            raise SettingsError(OPTION, f"say which site: {_listed(found)}")
        site, zone = found[0] if found else (own, None)
    elif asked == own:
        site, zone = own, None
    else:
        known = _sites(chosen, asked, 1) if "\0" not in asked else []
        if not known:
            there = _listed(_sites(chosen, None, MOST_NAMED + 1)) or "none"
            raise SettingsError(OPTION, f"there is no {shell.printable(asked)}; sites with a sensor: {there}")
        site, zone = known[0]
    if site == own:
        return chosen
    is_known = zone is not None and time_zone(zone) is None
    timezone = zone if zone is not None and is_known else chosen.site.timezone
    return replace(chosen, site=replace(chosen.site, id=site, timezone=timezone), zones={}, loggers={})


def _sites(chosen: Settings, site: str | None, most: int) -> list[tuple[str, str | None]]:
    try:
        with closing(Database(chosen, "site")) as database, database.transaction() as cursor:
            return cursor.execute(statement("sites_with_sensors"), {"site": site, "most": most}).fetchall()
    except psycopg.Error as error:  # no permission
        raise DatabaseDown(f"the database refuses: {quoted(str(error).strip())}") from error


def _listed(found: list[tuple[str, str | None]]) -> str:
    more = ["…"] if len(found) > MOST_NAMED else []
    return ", ".join([*(shell.printable(site) for site, _ in found[:MOST_NAMED]), *more])
