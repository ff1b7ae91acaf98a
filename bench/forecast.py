"""What the forecasts cost: training on a sensor-year, an hour's forecast of 1 and 1,000 sensors, the first forecast.

python bench/forecast.py            CPU seconds on one thread, made-up district, nothing from outside
python bench/forecast.py --fleet    one model of 1,000 sensor-years instead: minutes, and its memory
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from common.folder import POSTGRES_URL_FILE
from common.forecast_file import ForecastLine
from forecaster import artifact, pytorch
from forecaster.compose import CHANNELS, compose
from forecaster.dataset import HourlyHistory, Series
from forecaster.fit import fit, judge, refresh
from forecaster.intervals import Intervals
from forecaster.predict import Model
from postgres import server

YEAR_MINUTES = 525_600
SENSORS = 1_000
ZONE = ZoneInfo("Asia/Seoul")
END = datetime(2024, 9, 1, tzinfo=ZONE)
LEGACY_S = 121_085  # what the forecaster before this one took for 396,001 rows


def sensor_year() -> HourlyHistory:
    """The hours of a year of minutes of a district: a day, a week, weather, and the noise of taps."""
    random = np.random.default_rng(0)
    minute = int(END.timestamp() // 60) - YEAR_MINUTES + np.arange(YEAR_MINUTES)
    hour = (minute + 9 * 60) / 60
    weather = np.repeat(np.convolve(random.normal(0, 1, YEAR_MINUTES // 60), np.exp(-np.arange(48) / 12), "same"), 60)
    usual = 30 + 10 * np.sin(2 * np.pi * hour / 24) + 4 * np.sin(4 * np.pi * hour / 24) + 3 * (hour // 24 % 7 < 2)
    flow = usual + 0.6 * weather + random.normal(0, 4, YEAR_MINUTES)
    pressure = 5.5 - 0.0008 * flow**1.85 + random.normal(0, 0.02, YEAR_MINUTES)
    y = np.stack([flow, pressure]).reshape(2, -1, 60).mean(2)
    first = np.datetime64(END.replace(tzinfo=None), "h") - y.shape[1]
    return HourlyHistory(first, (Series("001", "flow"), Series("001", "pressure")), y)


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of one call, user and system."""
    began = time.process_time()
    work()
    return time.process_time() - began


def train() -> tuple[HourlyHistory, Model]:
    history = sensor_year()
    began = time.process_time()
    model = fit(history, until_row=history.rows, horizon=24, version="20240901T000000")
    error, naive, covered = judge(model, [history], history.rows - 14 * 24)
    model = refresh(model, history, until_row=history.rows)
    total_s = time.process_time() - began
    row("train a sensor-year, 8,760 hours, flow and pressure", f"{total_s:.1f} CPU s", f"legacy {LEGACY_S:,} s")
    row("  mean error / seasonal naive, last two weeks", f"{error / naive:.3f}", f"interval {100 * covered:.0f} %")
    return history, model


def predict(history: HourlyHistory, model: Model) -> None:
    recent = HourlyHistory(history.hour(history.rows - 26 * 168), history.series, history.y[:, -26 * 168 :])
    made_at = END.astimezone(UTC)
    for count in (1, SENSORS):
        names = tuple(Series(f"{n:04d}", s.channel) for n in range(count) for s in recent.series)
        many = HourlyHistory(recent.first, names, np.tile(recent.y, (count, 1)))
        compose(many, made_at, ZONE, horizon=24, model=model)
        spent = min(cpu_s(lambda m=many: compose(m, made_at, ZONE, horizon=24, model=model)) for _ in range(3))  # type: ignore[misc]
        row(
            f"an hour's forecast, {count:,} sensors, flow and pressure, 24 leads",
            f"{spent:.3f} CPU s",
            "legacy 6 s for one",
        )
        made = compose(many, made_at, ZONE, horizon=24, model=model)
        spent = cpu_s(lambda m=many, told=made: follow(m, model, told))  # type: ignore[misc]
        row("  and what follows the truth of an hour", f"{spent:.3f} CPU s", "")


def follow(history: HourlyHistory, model: Model, made: list[ForecastLine]) -> None:
    """The last hour's truth against what was forecast of it a day long."""
    hour = END.astimezone(UTC) - timedelta(hours=1)
    firsts = [line for line in made if line.hour == made[0].hour]
    told = [replace(line, made_at=hour - timedelta(hours=k), hour=hour) for k in range(24) for line in firsts]
    Intervals().learn(model, history, hour, told, ZONE)


def start(model: Model) -> None:
    """A real process against a real database with half a year of minutes."""
    folder = Path(tempfile.mkdtemp(prefix="hydrolog-bench-"))
    with server.running(folder, "site-1"):
        url = (folder / POSTGRES_URL_FILE).read_text().strip()
        with psycopg.connect(url, autocommit=True) as connection:
            load(connection)
        artifact.save(folder, model)
        environment = os.environ | {"HYDROLOG_PATHS__DATA": str(folder)}
        command = [sys.executable, "-P", "-m", "forecaster", "run", "--once", "--at", END.isoformat()]
        began = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row("process start to first forecast, one sensor", f"{spent_s:.2f} CPU s", f"{wall_s:.2f} s by the clock")


def load(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("INSERT INTO SENSOR_TB (site, sensor) VALUES ('site-1', '001')")
    for week in range(28):
        connection.execute("SELECT real_val_partition(%s)", (END - timedelta(weeks=week),))
    connection.execute(
        "INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset) "
        "SELECT 'site-1', '001', t, 30 + 10 * sin(extract(epoch FROM t) / 13751), 5, 60, 'log', 1 "
        "FROM generate_series(%s::timestamptz, %s::timestamptz, interval '1 minute') t",
        (END - timedelta(weeks=26), END - timedelta(minutes=1)),
    )


def fleet() -> None:
    """Hours, not minutes, of many districts that differ; what the database does on the way is not in it."""
    random = np.random.default_rng(0)
    hour = np.arange(YEAR_MINUTES // 60)
    y = np.empty((2 * SENSORS, len(hour)))
    for sensor in range(SENSORS):
        weather = np.convolve(random.normal(0, 1, len(hour)), np.exp(-np.arange(48) / random.uniform(4, 48)), "same")
        day = random.uniform(5, 12) * np.sin(2 * np.pi * (hour + random.uniform(0, 24)) / 24)
        weekend = random.uniform(-3, 3) * (hour // 24 % 7 < 2)
        flow = 30 + day + weekend + 0.6 * weather + random.normal(0, 1, len(hour))
        y[2 * sensor : 2 * sensor + 2] = flow, 5.5 - 0.0008 * flow**1.85 + random.normal(0, 0.02, len(hour))
    y[random.random(y.shape) < 0.02] = np.nan
    names = tuple(Series(f"{n:04d}", channel) for n in range(SENSORS) for channel in CHANNELS)
    history = HourlyHistory(np.datetime64(END.replace(tzinfo=None), "h") - len(hour), names, y)
    began, before = time.process_time(), peak_mib()
    model = fit(history, until_row=history.rows, horizon=24, version="20240901T000000")
    error, naive, covered = judge(model, [history], history.rows - 14 * 24)
    refresh(model, history, until_row=history.rows)
    minutes = (time.process_time() - began) / 60
    row("one model of 1,000 sensor-years, flow and pressure", f"{minutes:.1f} CPU min", f"{before} to {peak_mib()} MiB")
    row("  mean error / seasonal naive, last two weeks", f"{error / naive:.3f}", f"interval {100 * covered:.0f} %")


def peak_mib() -> int:
    """The most resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def row(what: str, value: str, beside: str) -> None:
    sys.stdout.write(f"{what:<66} {value:>18}   {beside}\n")
    sys.stdout.flush()


def main() -> None:
    pytorch.prepare()
    if sys.argv[1:] == ["--fleet"]:
        fleet()
        return
    history, model = train()
    predict(history, model)
    start(model)


if __name__ == "__main__":
    main()
