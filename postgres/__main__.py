"""`hydrolog-database`: starts the embedded Postgres, keeps it running, and stops it when this process ends."""

import sys
from collections.abc import Sequence

from common.signals import leave_on_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; nothing to do if the settings name another database."""
    leave_on_signals()
    from common import health, runner
    from common.errors import HydrologError
    from common.settings import load
    from postgres.server import ROLE
    from postgres.step import PostgresKeeper

    options = runner.parser("hydrolog-database", "Run the embedded Postgres of the data folder.").parse_args(argv)
    try:
        settings = load(options.config)
        if settings.database.url:
            health.forget(settings.paths.data, ROLE)
            sys.stdout.write("database.url is set: the embedded Postgres is not needed\n")
            return 0
    except HydrologError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return runner.run(ROLE, PostgresKeeper, options)


if __name__ == "__main__":
    raise SystemExit(main())
