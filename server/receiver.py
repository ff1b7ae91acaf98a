"""The process: HTTP in its own thread, and a step each second that checks whether it can work.

If the database is down or the port is taken, it waits. Meanwhile senders get 503 with Retry-After and keep their rows,
and the page says what is missing.
"""

import logging
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime
from typing import Any

from common import database, retention
from common.database import Database
from common.errors import DatabaseDown, DatabaseRefuses
from common.runner import Context
from reports import child
from server.access.access import Access
from server.access.addresses import Proxies
from server.api import Api
from server.app import build
from server.charts import Charts
from server.credentials import credentials_for
from server.current import Current
from server.db_thread import DatabaseThread
from server.door import own_names
from server.ingest import Ingest
from server.log_limit import limit_log
from server.quotas import Quotas
from server.report_pages import Wanted
from server.resending import Resending
from server.screens import Screens
from server.sensor_charts import SensorCharts
from server.serving import Serving
from server.silent_boxes import SilentBoxes, heard
from server.store import CONNECTIONS, STORE_TIMEOUT_S, InDatabase

_log = logging.getLogger(__name__)

PING_S = 12.0  # longer than one connection attempt plus one slow query of the state


class Receiver:
    """The worker of hydrolog-server."""

    def __init__(self, context: Context) -> None:
        settings = context.settings
        self._settings = settings
        self._serving = Serving(settings.receiver)
        credentials = credentials_for(settings)
        self._tokens = credentials.tokens
        limit_log()
        # Three ways to the database: neither batches, nor charts, nor the state wait for one another.
        self._batches = DatabaseThread(settings, "receiver", CONNECTIONS)
        self._charts, self._state = DatabaseThread(settings, "page"), DatabaseThread(settings, "state")
        quotas = Quotas(settings.receiver.rows_per_minute)
        self._store = InDatabase(self._batches, settings)
        self._ingest = Ingest(self._store, credentials, quotas, context.clock)
        current = Current(self._state, settings, context.clock)
        charts = Charts(self._charts)
        sensor_charts = SensorCharts(charts, current)
        api, screens = Api(charts, sensor_charts, current), Screens(current, sensor_charts)
        self._access = Access(context.data, settings.site, proxies=Proxies(settings.receiver.proxies))
        names = own_names(settings.receiver.host, settings.receiver.hosts)

        def make_report(wanted: Wanted) -> bytes:
            month, kind, language, sensor = wanted
            return child.make(month, kind, language, context.config, context.stop, sensor=sensor)

        self._resending = Resending(context)
        self._app = build(
            self._ingest, api, screens, self._access, names, make_report=make_report, resending=self._resending
        )
        self._boxes = SilentBoxes(context, self._ingest.heard)
        self._cleaning = retention.Cleaning()  # as the owner of the tables

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Serve, and check that rows can be stored.

        Raises:
            HydrologError: the address cannot be used, or the database does not answer.
        """
        served = self._serving.step(self._app)
        self._access.step()
        self._tokens.look()
        try:
            self._state.submit(_ping).result(PING_S)
        except FutureTimeout as error:
            raise DatabaseDown(f"the database has not answered for {PING_S:g} s") from error
        self._cleaning.step(lambda: database.changing(self._settings, "receiver", STORE_TIMEOUT_S), now)
        if self._boxes.wants_to_know:
            self._boxes.know(self._state.submit(heard).result(PING_S))
        self._boxes.step(now)
        counters = {**served, **self._ingest.counters, **self._boxes.counters}
        if self._store.refusal:
            refused = DatabaseRefuses(self._store.refusal)
            refused.counters = counters
            raise refused
        return {"problem": self._tokens.problem, **counters}

    def close(self) -> None:
        """Finish current requests and stop."""
        self._serving.close()
        for desk in (self._batches, self._charts, self._state):
            desk.close()
        self._resending.close()
        self._access.close()


def _ping(database: Database) -> None:
    with database.transaction(PING_S) as cursor:
        cursor.execute("SELECT 1 FROM RECEIVED_BATCH_TB LIMIT 1")
