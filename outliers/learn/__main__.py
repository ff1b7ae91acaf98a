"""``python -m outliers.learn``: new criteria from the database, stored as the next version; nightflow starts it."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from common import clock, database, settings
from common.errors import CriteriaUnusable, HydrologError
from common.folder import CRITERIA_FOLDER
from common.options import Parser, add_version
from outliers import calendar, criteria
from outliers.learn import archive


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: every sensor has new criteria; 4: one has too little history; 1: the database does not answer."""
    options = _options(argv)
    try:
        chosen = settings.load(options.config)
        return _learn(chosen, options.sensor)
    except HydrologError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m outliers.learn", description="Learn criteria from the database and store them.")
    add_version(parser)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    parser.add_argument("--sensor", metavar="ID", help="only this one")
    return parser.parse_args(argv)


def _learn(chosen: settings.Settings, only: str | None) -> int:
    folder, now = chosen.paths.data / CRITERIA_FOLDER, clock.from_environment().now()
    known, code = calendar.load(chosen.paths.data, chosen.site.zone, chosen.zones, chosen.loggers), 0
    with contextlib.closing(database.Database(chosen, "criteria")) as connection, connection.transaction() as cursor:
        for instrument in archive.instruments(cursor, chosen.site.id, only):
            try:
                _, new = archive.learn_for(cursor, instrument, folder, now, chosen=chosen, known=known)
                taken = criteria.store(folder, new)
            except CriteriaUnusable as error:
                sys.stderr.write(f"{instrument.sensor}: {error}\n")
                code = error.exit_code
                continue
            sys.stdout.write(f"{instrument.sensor}: stored as version {taken.version}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
