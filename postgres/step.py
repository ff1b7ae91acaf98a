"""The worker of `hydrolog-database`: keeps one Postgres running and restarts it when it has died."""

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.logging_setup import quoted
from common.runner import Context
from postgres import cluster, upgrade
from postgres.server import Server
from postgres.upgrade import NotUpgraded

WAIT_S = 1.0  # wait per step: a longer start is reported as starting

_log = logging.getLogger(__name__)


class PostgresKeeper:
    """Runs one Postgres as a child process."""

    def __init__(self, context: Context) -> None:
        self._data = context.data
        self._stop = context.stop
        self._server = Server(context.data, context.settings.site.id)
        self._starts = 0
        self._upgrade = upgrade.run(self._data, self._stop)
        self._upgrade_told = False
        self._not_upgraded = ""

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Start it, or check that it runs.

        Raises:
            DatabaseDown: it has ended or cannot be started; says why.
        """
        if self._server.pid is None:
            if word := self._next_of_upgrade():
                return {"starts": self._starts, "problem": word}
            self._server.start(self._stop)
            self._starts += 1
        was_ready = self._server.ready
        self._server.wait(WAIT_S, self._stop)
        if self._server.ready and not was_ready:
            _log.info("ready postgres=%d starts=%d", self._server.pid, self._starts)
        if self._server.ready:
            upgrade.drop_kept(self._data, now)
        cluster.bound_log(self._data)
        counters: dict[str, Any] = {"postgres": self._server.pid, "starts": self._starts}
        if self._not_upgraded:
            counters["not_upgraded"] = self._not_upgraded
        return counters if self._server.ready else {**counters, "problem": "Postgres is starting"}

    def _next_of_upgrade(self) -> str:
        """Go on with the upgrade of older files for a moment; what it does, or nothing if there is nothing to do."""
        give_back_s = time.monotonic() + WAIT_S if self._upgrade_told else 0.0  # its beginning is said at once
        try:
            for word in self._upgrade:
                if time.monotonic() >= give_back_s or self._stop.is_set():
                    self._upgrade_told = True
                    return word
        except NotUpgraded as error:
            self._not_upgraded = str(error)
            _log.warning("not_upgraded problem=%s", quoted(error))
        return ""

    def close(self) -> None:
        """Stop it."""
        self._upgrade.close()
        self._server.stop()
