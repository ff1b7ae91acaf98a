"""The worker of `hydrolog-database`: keeps one Postgres running and restarts it when it has died."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.runner import Context
from postgres import cluster
from postgres.server import Server

WAIT_S = 1.0  # wait per step: a longer start is reported as starting

_log = logging.getLogger(__name__)


class Keeper:
    """Runs one Postgres as a child process."""

    def __init__(self, context: Context) -> None:
        self._data = context.data
        self._stop = context.stop
        self._server = Server(context.data)
        self._starts = 0

    def step(self, _now: datetime) -> Mapping[str, Any]:
        """Start it, or check that it runs.

        Raises:
            DatabaseDown: it has ended or cannot be started; says why.
        """
        if self._server.pid is None:
            self._server.start(self._stop)
            self._starts += 1
        was_ready = self._server.ready
        self._server.wait(WAIT_S, self._stop)
        if self._server.ready and not was_ready:
            _log.info("ready postgres=%d starts=%d", self._server.pid, self._starts)
        cluster.bound_log(self._data)
        counters: dict[str, Any] = {"postgres": self._server.pid, "starts": self._starts}
        return counters if self._server.ready else {**counters, "problem": "Postgres is starting"}

    def close(self) -> None:
        """Stop it."""
        self._server.stop()
