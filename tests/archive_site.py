"""A log, a database and the group "archive" between them."""

import threading
from datetime import datetime
from typing import Any

import psycopg

from common.clock import FixedClock
from common.row import Row, format_payload
from common.runner import Context
from common.settings import Settings
from consumer.archive import Archive
from log.roles import Log, open_for


class ArchiveSite:
    def __init__(self, settings: Settings, now: datetime) -> None:
        self.settings, self.now = settings, now
        self.data = settings.paths.data
        self.log: Log = open_for(settings)
        self.database = psycopg.connect(settings.database.url, autocommit=True)
        self.worker = self.started()

    def started(self) -> Archive:
        return Archive(Context(self.settings, FixedClock(self.now), threading.Event(), "consumer-archive"))

    def restart(self) -> None:
        self.worker.close()
        self.worker = self.started()

    def append(self, *rows: Row) -> None:
        self.log.append([format_payload(row, self.settings.site.zone) for row in rows])

    def step(self) -> dict[str, Any]:
        return dict(self.worker.step(self.now))

    def close(self) -> None:
        self.worker.close()
        self.log.close()
        self.database.close()
