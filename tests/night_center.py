"""A center's database with the rows of many sites, and nightflow for all of them: by hand, or as real processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from common.clock import FixedClock
from common.runner import Context
from common.settings import load
from nightflow.all_sites import AllSites

TOPIC = "kafka://127.0.0.1:1/server_data"  # nightflow needs the database only
MINUTE = timedelta(minutes=1)


class NightCenter:
    """The database. Whatever a test does to it stands at once."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.connection = psycopg.connect(url, autocommit=True)
        self._workers: list[AllSites] = []

    def close(self) -> None:
        for worker in self._workers:
            worker.close()
        self.connection.close()

    def environ(self, name: str = "center") -> dict[str, str]:
        return {
            "HYDROLOG_PATHS__DATA": str(self.folder / name),
            "HYDROLOG_DATABASE__URL": self.url,
            "HYDROLOG_LOG__URL": TOPIC,
        }

    def worker(self) -> AllSites:
        context = Context(load(None, self.environ()), FixedClock(datetime.min), threading.Event(), "nightflow")
        self._workers.append(AllSites(context))
        return self._workers[-1]

    def process(self, name: str, now: datetime, speed: float = 60.0) -> "subprocess.Popen[bytes]":
        clock = f"{speed} {time.time()} {now.timestamp()}"
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "nightflow"],
            env={**os.environ, **self.environ(name), "HYDROLOG_CLOCK": clock},
            stdout=subprocess.DEVNULL,
        )

    def add(self, site: str, zone: str | None = None) -> None:
        self.connection.execute("INSERT INTO SITE_TB (site, heard_at, timezone) VALUES (%s, now(), %s)", (site, zone))

    def rows(self, site: str, first: datetime, end: datetime, sensor: str = "001", flow: float = 8.0) -> None:
        """A row a minute from the first to before the end, of a sensor that is registered."""
        values = {"site": site, "sensor": sensor, "first": first, "last": end - MINUTE, "flow": flow}
        run = self.connection.execute
        run("INSERT INTO SENSOR_TB (site, sensor) VALUES (%(site)s, %(sensor)s) ON CONFLICT DO NOTHING", values)
        run(
            "SELECT real_val_partition(month) FROM generate_series(date_trunc('month', %(first)s::timestamptz, 'UTC'),"
            " %(last)s, interval '27 days') AS month UNION ALL SELECT real_val_partition(%(last)s)",
            values,
        )
        run(
            "INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)"
            " SELECT %(site)s, %(sensor)s, at, %(flow)s + sin(extract(epoch FROM at) / 9000), 4.0, 60, 'log', 0"
            " FROM generate_series(%(first)s::timestamptz, %(last)s, interval '1 minute') AS at ON CONFLICT DO NOTHING",
            values,
        )

    def closed(self, site: str, through: datetime) -> None:
        """All rows of this minute and of those before are here."""
        self.connection.execute("UPDATE SITE_TB SET closed_through = %s WHERE site = %s", (through, site))

    def delivered(self, site: str, first: datetime, end: datetime, **rows: Any) -> None:
        self.rows(site, first, end, **rows)
        self.closed(site, end - MINUTE)

    def reports(self) -> dict[tuple[str, date], int]:
        """Each site's nights with the number of their accepted minutes, of all sensors."""
        query = "SELECT site, night, sum(good_minutes) FROM NIGHT_REPORT_TB GROUP BY 1, 2"
        return {(site, night): int(minutes) for site, night, minutes in self.connection.execute(query).fetchall()}

    def windows(self, site: str) -> list[bool]:
        query = "SELECT complete FROM NIGHT_FLOW_VAL_TB WHERE site = %s ORDER BY time"
        return [complete for (complete,) in self.connection.execute(query, (site,)).fetchall()]

    def count_writes(self) -> None:
        """From now on each write of a report is counted."""
        self.connection.execute(
            "CREATE TABLE written (site text, night date, sensor text);"
            "CREATE FUNCTION written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO written VALUES (new.site, new.night, new.sensor); RETURN new; END $$;"
            "CREATE TRIGGER written AFTER INSERT OR UPDATE ON NIGHT_REPORT_TB FOR EACH ROW EXECUTE FUNCTION written()"
        )

    def written(self) -> Mapping[tuple[str, date, str], int]:
        query = "SELECT site, night, sensor, count(*) FROM written GROUP BY 1, 2, 3"
        return {
            (site, night, sensor): count for site, night, sensor, count in self.connection.execute(query).fetchall()
        }
