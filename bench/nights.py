"""The claim: a night of a site costs the same whatever their number, and a second hydrolog-nightflow halves the time.

    python bench/nights.py [--sites 250] [--sensors 10] [--processes 1 2]

All sites become complete at the same moment, in a database that has a day of their minutes and nothing else. The time
counts from that moment to the last report; it includes the look for sites that are due, at most a quarter of a second
here. Processor time is that of the nightflows and of Postgres, since the machine does other work, too.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from peers.cluster import cpu_s, postgres_cpu_s
from rich.console import Console
from rich.table import Table

from common import health
from common.folder import POSTGRES_URL_FILE
from postgres import server as postgres

MORNING = datetime(2024, 8, 26, 20, 0, tzinfo=UTC)  # 05:00 in Seoul
SPEED = 60.0  # of the processes' clock
DEADLINE_S = 3600.0
PORTION = 50  # sites filled by one statement

FILL = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT 'site-' || site, 'sensor-' || sensor, at, 8 + sensor + sin(extract(epoch FROM at) / 9000), 4, 60, 'log', 0
FROM generate_series(%(first)s::int, %(last)s) AS site, generate_series(1, %(sensors)s) AS sensor,
     generate_series(%(morning)s::timestamptz - interval '1 day', %(morning)s, interval '1 minute') AS at
"""
SITES = """
INSERT INTO SITE_TB (site, heard_at) SELECT 'site-' || site, now() FROM generate_series(1, %(sites)s) AS site;
"""
SENSORS = """
INSERT INTO SENSOR_TB (site, sensor) SELECT 'site-' || site, 'sensor-' || sensor
FROM generate_series(1, %(sites)s) AS site, generate_series(1, %(sensors)s) AS sensor
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sites", type=int, default=250)
    parser.add_argument("--sensors", type=int, default=10)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    table = Table(title=f"the night of {options.sites} sites of {options.sensors} sensors")
    for title in ("processes", "sites", "seconds", "ms a site", "nightflow, CPU ms a site", "Postgres", "MB each"):
        table.add_column(title, justify="right")
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-") as name, postgres.running(Path(name), "bench"):
        url = (Path(name) / POSTGRES_URL_FILE).read_text("utf-8").strip()
        with psycopg.connect(url, autocommit=True) as connection:
            fill(connection, options.sites, options.sensors)
            for processes in options.processes:
                table.add_row(*measured(connection, Path(name), url, options.sites, processes))
    Console().print(table)
    return 0


def fill(connection: psycopg.Connection[Any], sites: int, sensors: int) -> None:
    connection.execute("SELECT real_val_partition(%s)", (MORNING,))
    connection.execute(SITES.encode(), {"sites": sites})
    connection.execute(SENSORS.encode(), {"sites": sites, "sensors": sensors})
    for first in range(1, sites + 1, PORTION):
        last = min(first + PORTION - 1, sites)
        connection.execute(FILL.encode(), {"first": first, "last": last, "sensors": sensors, "morning": MORNING})
    connection.execute("VACUUM ANALYZE")


def measured(connection: psycopg.Connection[Any], data: Path, url: str, sites: int, processes: int) -> tuple[str, ...]:
    for emptied in ("NIGHT_REPORT_TB", "NIGHT_FLOW_VAL_TB", "SITE_WORK_TB"):
        connection.execute(f"TRUNCATE {emptied}".encode())
    connection.execute("UPDATE SITE_TB SET closed_through = NULL")
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(nightflow(data / f"nights-{number}", url)) for number in range(processes)]
        wait(lambda: _first(connection, "SELECT count(done_at) FROM SITE_WORK_TB") == sites)  # nothing is closed yet
        before_s = [cpu_s(process.pid) for process in started]
        postgres_s, began_s = postgres_cpu_s(data), time.monotonic()
        connection.execute("UPDATE SITE_TB SET closed_through = %s", (MORNING,))
        wait(lambda: _first(connection, "SELECT count(DISTINCT site) FROM NIGHT_REPORT_TB") == sites)
        took_s, postgres_s = time.monotonic() - began_s, postgres_cpu_s(data) - postgres_s
        used_s = sum(cpu_s(process.pid) for process in started) - sum(before_s)
        memory = max(psutil.Process(process.pid).memory_info().rss for process in started)
    each = [1e3 * seconds / sites for seconds in (took_s, used_s, postgres_s)]
    return (str(processes), str(sites), f"{took_s:.1f}", *(f"{one:.1f}" for one in each), f"{memory / 1e6:.0f}")


@contextlib.contextmanager
def nightflow(folder: Path, url: str) -> Any:
    """A process, when it has done its first step."""
    environ = {
        **os.environ,
        "HYDROLOG_PATHS__DATA": str(folder),
        "HYDROLOG_DATABASE__URL": url,
        "HYDROLOG_LOG__URL": "kafka://127.0.0.1:1/server_data",
        "HYDROLOG_CLOCK": f"{SPEED} {time.time()} {MORNING.timestamp()}",
    }
    with subprocess.Popen([sys.executable, "-P", "-m", "nightflow"], env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            wait(lambda: health.load_all(folder).get("nightflow", {}).get("last_success"))
            yield process
        finally:
            process.terminate()


def wait(true: Any) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while not true():
        if time.monotonic() > end_s:
            raise TimeoutError
        time.sleep(0.1)


def _first(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


if __name__ == "__main__":
    raise SystemExit(main())
