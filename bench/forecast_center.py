"""What an hour's forecasts of a whole center cost: one process, sites of ten meters, flow and pressure.

python bench/forecast_center.py                    1,000 series (50 sites)
python bench/forecast_center.py --sites 500        10,000 series

The database holds the last days of minutes of each sensor, and its hours as a process has kept them. Seconds of one
core, of the process and of Postgres; made-up rows, nothing from outside.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from forecast_site import network

from common.database import Database
from common.folder import POSTGRES_URL_FILE
from common.settings import Settings, load
from forecaster import artifact
from forecaster.center import CenterForecaster
from forecaster.conformal import LEAD_BLOCKS
from forecaster.dataset import Series, hour_number
from forecaster.fallback import Units
from forecaster.hours import REACH
from forecaster.kept import KeptHours, KeptInDatabase
from forecaster.predict import Model, Part
from forecaster.shared_models import SharedModels
from forecaster.trainer import TrainingNote
from postgres import server

NOON = datetime(2024, 8, 26, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
SENSORS = [f"{number:03}" for number in range(10)]
LOOKED_BACK = timedelta(hours=75)  # what an hour reads of minutes
NETWORKS, LASTS = 2, (1, 4, 12, 24)  # as many as are learnt from two sensor-years and more
FILL = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT site, sensor, t, 10 + 5 * sin(extract(epoch FROM t) / 13751) + random(), 4 + 0.1 * random(), 60, 'log', 1
FROM SENSOR_TB CROSS JOIN generate_series(%s::timestamptz, %s::timestamptz, interval '1 minute') t
WHERE site = ANY(%s)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument("--hours", type=int, default=2)
    chosen = parser.parse_args()
    sites = [f"site-{number:05}" for number in range(chosen.sites)]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as name:
        run(Path(name), sites, chosen.hours)


def run(folder: Path, sites: list[str], hours: int) -> None:
    with server.running(folder, "site-1"):
        url = (folder / POSTGRES_URL_FILE).read_text().strip()
        keys = {"DATABASE__URL": url, "LOG__URL": "kafka://127.0.0.1:1/server_data", "PATHS__DATA": str(folder / "one")}
        settings = load(None, {f"HYDROLOG_{key}": value for key, value in keys.items()})
        settings.paths.data.mkdir()
        with psycopg.connect(url.replace("//hydrolog@", "//postgres@"), autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # filling would take most of the time
                connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            connection.execute("SELECT pg_reload_conf()")
            fill(connection, settings, sites, hours)
            worker = CenterForecaster(settings, None, threading.Event())
            worker.step(NOON - HOUR)  # nothing is complete yet: it only learns of the sites
            row("", "series", "process", "Postgres", "clock", "memory")
            for number in range(hours):
                hour = NOON + number * HOUR
                connection.execute("UPDATE SITE_TB SET closed_through = %s", (hour - timedelta(minutes=1),))
                measure(worker, connection, hour, f"hour {number + 1}", len(sites))
            worker.close()


def fill(connection: psycopg.Connection[Any], settings: Settings, sites: list[str], hours_ahead: int) -> None:
    database = Database(settings, "bench")
    random = np.random.default_rng(0)
    first, hours = hour_number((NOON - REACH).astimezone(settings.site.zone)), int(REACH / HOUR)
    y = 10 + 5 * np.sin(2 * np.pi * np.arange(hours) / 24) + random.normal(0, 0.5, (2, hours))
    for back in range(3):
        connection.execute("SELECT real_val_partition(%s)", (NOON - back * timedelta(days=2),))
    for begin in range(0, len(sites), 50):
        here = sites[begin : begin + 50]
        come = "INSERT INTO SITE_TB (site, heard_at, timezone) SELECT unnest(%s::text[]), %s, 'Asia/Seoul'"
        connection.execute(come, (here, NOON))
        insert = "INSERT INTO SENSOR_TB (site, sensor) SELECT unnest(%s::text[]), %s"
        for sensor in SENSORS:
            connection.execute(insert, (here, sensor))
        connection.execute(FILL, (NOON - LOOKED_BACK, NOON + (hours_ahead - 1) * HOUR, here))
        for site in here:
            own = load(None, {"HYDROLOG_SITE__ID": site}).site
            kept = KeptHours(first, y, NOON, NOON)
            KeptInDatabase(database, own).keep_hours(dict.fromkeys(SENSORS, kept))
    series = tuple(Series(sensor, channel, sites[0]) for sensor in SENSORS for channel in ("flow", "pressure"))
    stretch = np.ones((len(series) + 1, len(LEAD_BLOCKS)))
    model = Model("20240801T000000", series, Units(*np.ones((3, len(series)))), parts(random, len(series)), stretch)
    models = SharedModels(database, settings.paths.data)
    with models.turn():
        raw = artifact.save(settings.paths.data, model).read_bytes()
        models.publish(model.version, TrainingNote(NOON, "accepted", ""), raw)
    connection.execute("VACUUM ANALYZE")
    database.close()


def parts(random: np.random.Generator, series: int) -> tuple[Part, ...]:
    """Networks with small weights by chance: what they say costs as much as what was learnt, and needs no PyTorch."""
    return tuple(Part(last, tuple(network(random, series) for _ in range(NETWORKS))) for last in LASTS)


def measure(
    worker: CenterForecaster, connection: psycopg.Connection[Any], hour: datetime, name: str, sites: int
) -> None:
    began_s, spent_s, postgres_s = time.perf_counter(), time.process_time(), backends_s(connection)
    now = hour + timedelta(seconds=11)
    while worker.step(now)["hours"] % sites or not made(connection, hour):
        pass
    figures = (time.process_time() - spent_s, backends_s(connection) - postgres_s, time.perf_counter() - began_s)
    memory = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    row(name, f"{2 * len(SENSORS) * sites:,}", *(f"{figure:.1f} s" for figure in figures), memory)


def made(connection: psycopg.Connection[Any], hour: datetime) -> bool:
    return connection.execute("SELECT FROM PRED_VAL_TB WHERE hour = %s AND made_at = hour", (hour,)).rowcount > 0


def backends_s(connection: psycopg.Connection[Any]) -> float:
    """Processor seconds of the worker's connection so far."""
    found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'hydrolog-forecaster'")
    ticks = 0
    for (pid,) in found.fetchall():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def row(name: str, *cells: str) -> None:
    sys.stdout.write(f"{name:<8}" + "".join(f"{cell:>12}" for cell in cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
