"""The database of a center whose sites a test fills, and forecaster processes on it."""

import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from forecast_site import HOUR, NOON
from waiting import wait_for

from common.clock import ScaledClock
from common.settings import Settings, load
from forecaster.center import CenterForecaster

BROKER = "kafka://127.0.0.1:1/server_data"  # nobody asks it
TRAINED = (
    "INSERT INTO FORECAST_MODEL_TB (version, at, outcome, line, usable) VALUES ('none', %s, 'not accepted', '', false)"
)
COME = "INSERT INTO SITE_TB (site, heard_at, closed_through, timezone) VALUES (%s, %s, %s, %s)"
FILL = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT %(site)s, %(sensor)s, t,
       %(level)s + 5 * sin(2 * pi() * extract(hour FROM t AT TIME ZONE %(zone)s) / 24) + %(noise)s * (random() - 0.5),
       4 - 0.5 * sin(2 * pi() * extract(hour FROM t AT TIME ZONE %(zone)s) / 24) + 0.02 * %(noise)s * (random() - 0.5),
       60, 'log', row_number() OVER ()
FROM generate_series(%(first)s::timestamptz, %(until)s::timestamptz - interval '1 minute', interval '1 minute') t
"""


class Center:
    """Sites whose rows lie in the database as the archive of a center stores them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.connection = psycopg.connect(url, autocommit=True)
        self.workers: list[CenterForecaster] = []
        self.processes: list[subprocess.Popen[str]] = []

    def add(self, *sites: str, zone: str | None = None, through: datetime | None = NOON) -> None:
        """A site with a sensor 001, heard of at noon; complete up to before `through`."""
        for site in sites:
            closed = through and through - timedelta(minutes=1)
            self.connection.execute(COME, (site, NOON, closed, zone))
            self.connection.execute("INSERT INTO SENSOR_TB (site, sensor) VALUES (%s, '001')", (site,))

    def fill(self, *sites: str, days: float = 2, until: datetime = NOON, **keys: Any) -> None:
        first = until - timedelta(days=days)
        for back in range(int(days) + 2):
            self.connection.execute("SELECT real_val_partition(%s)", (until - timedelta(days=back),))
        for site in sites:
            values = {"site": site, "sensor": "001", "zone": "Asia/Seoul", "noise": 1.0, "level": 10.0}
            self.connection.execute(FILL, {**values, "first": first, "until": until, **keys})

    def settings(self, name: str = "here", **keys: str) -> Settings:
        found = load(None, {**self._environ(name), **{f"HYDROLOG_{key.upper()}": value for key, value in keys.items()}})
        found.paths.data.mkdir(parents=True, exist_ok=True)
        return found

    def worker(self, name: str = "here", **keys: str) -> CenterForecaster:
        self.workers.append(CenterForecaster(self.settings(name, **keys), None, threading.Event()))
        return self.workers[-1]

    def _environ(self, name: str) -> dict[str, str]:
        data = str(self.folder / name)
        return {"HYDROLOG_PATHS__DATA": data, "HYDROLOG_DATABASE__URL": self.url, "HYDROLOG_LOG__URL": BROKER}

    def process(self, name: str, *arguments: str, horizon: int = 24) -> "subprocess.Popen[str]":
        """A real process, whose clock shows noon at its start."""
        clock = ScaledClock(1.0, time.time(), NOON.timestamp()).to_environment()
        made = subprocess.Popen(
            [sys.executable, "-P", "-m", "forecaster", *arguments],
            env={
                **os.environ,
                **self._environ(name),
                "HYDROLOG_CLOCK": clock,
                "HYDROLOG_FORECAST__HORIZON_HOURS": str(horizon),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(made)
        return made

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), values).fetchall()

    def made(self, hour: datetime = NOON) -> dict[str, int]:
        """Lines of the forecast that was made at an hour, by site."""
        return dict(self.rows("SELECT site, count(*) FROM PRED_VAL_TB WHERE made_at = %s GROUP BY 1", hour))

    def wait_until_somebody_waits(self) -> None:
        """For a lock that the test holds."""
        query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        wait_for(lambda: bool(self.rows(query)), "a process at the lock")

    def close(self) -> None:
        for worker in self.workers:
            worker.close()
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.connection.close()


__all__ = ["HOUR", "NOON", "TRAINED", "Center"]
