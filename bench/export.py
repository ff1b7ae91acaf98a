"""The claim: minutes leave Postgres as a file that `hydrolog load` takes at 200,000 rows a second or more.

A fresh embedded Postgres with 800,000 generated rows of two sensors over nine months. The peer is a plain COPY of
the same rows to nowhere: what Postgres and the connection can do at best. The workbook is for people, and slower.
"""

import io
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from cli.export_file import opened
from cli.export_rows import KINDS, ExportSpan, Source
from common import database, settings
from common.folder import POSTGRES_URL_FILE
from postgres import server

ROWS = 400_000  # of each sensor
SENSORS = ("001", "002")  # their rows lie between each other, as on a box
RUNS = 3
_FILL = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT 'site-1', sensor, TIMESTAMPTZ '2024-01-01 00:00+00' + make_interval(mins => i), 20 + i %% 977 / 100.0,
       3.5 + i %% 31 / 100.0, 60, 'bench', i
FROM generate_series(0, %(rows)s - 1) AS i CROSS JOIN unnest(%(sensors)s::text[]) AS sensor
"""
_PLAIN = "COPY (SELECT time, flow, pressure FROM REAL_VAL_TB WHERE sensor = '001' ORDER BY time) TO STDOUT CSV"


def fill(connection: psycopg.Connection[Any]) -> None:
    for month in range(12):
        connection.execute("SELECT real_val_partition(make_timestamptz(2024, %s, 15, 0, 0, 0))", [month + 1])
    connection.execute(_FILL, {"rows": ROWS, "sensors": list(SENSORS)})
    connection.execute("ANALYZE REAL_VAL_TB")


def plain(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor() as cursor, cursor.copy(_PLAIN.encode()) as copy, io.BytesIO() as kept:
        for data in copy:
            kept.write(data)


def exported(source: Source, path: Path) -> None:
    with opened(path, source.columns, path.parent, bom=False) as put:
        for piece in source.pieces("001", ExportSpan()):
            put(piece)


def best_s(work: Callable[[], None]) -> float:
    took_s = []
    for _ in range(RUNS):
        started_s = time.perf_counter()
        work()
        took_s.append(time.perf_counter() - started_s)
    return min(took_s)


def main() -> None:
    table = Table(
        "", "rows", "seconds", "rows/s", "of the plain COPY", title="Minutes out of Postgres", title_justify="left"
    )
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        with server.running(data, "site-1"):
            url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
            chosen = settings.load(None, {"HYDROLOG_PATHS__DATA": str(data)})
            with database.connect(url, "bench") as connection:
                connection.autocommit = True
                fill(connection)
                plain_s = best_s(lambda: plain(connection))
            found = {"plain COPY": plain_s}
            with closing(Source(chosen, KINDS["minutes"], with_sensor=False, guard="'")) as source:
                for name in ("minutes.csv", "minutes.csv.gz", "minutes.xlsx"):
                    found[name] = best_s(lambda name=name: exported(source, Path(folder) / name))  # type: ignore[misc]
    for name, took_s in found.items():
        table.add_row(name, f"{ROWS:,}", f"{took_s:.2f}", f"{ROWS / took_s:,.0f}", f"{plain_s / took_s:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
