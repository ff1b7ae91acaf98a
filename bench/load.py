"""The claim: recorded minutes go into Postgres 100 times as fast as the 2,038 rows a second of the system before.

A fresh embedded Postgres, 400,000 generated rows of one sensor, from the CSV text to the committed, indexed partitions.
"""

import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from cli.history import load_file
from common import database
from common.folder import POSTGRES_URL_FILE
from common.point import Point
from postgres import server

ROWS = 400_000
LEGACY_ROWS_S = 2_038  # rows a second, as its users measured it
RUNS = 3


def write_minutes(path: Path) -> None:
    start = datetime(2024, 1, 1)
    with path.open("w", encoding="ascii") as file:
        file.write("time,flow,pressure\n")
        for i in range(ROWS):
            time_ = start + timedelta(minutes=i)
            file.write(f"{time_:%Y-%m-%d %H:%M},{20 + i % 977 / 100:.2f},{3.5 + i % 31 / 100:.2f}\n")


def main() -> None:
    table = Table(
        "run", "rows", "seconds", "rows/s", "times the legacy", title="History into Postgres", title_justify="left"
    )
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        source = Path(folder) / "minutes.csv"
        write_minutes(source)
        with server.running(Path(folder) / "data", "bench"):
            url = (Path(folder) / "data" / POSTGRES_URL_FILE).read_text("utf-8").strip()
            with database.connect(url, "bench") as connection:
                connection.autocommit = True
                for run in range(RUNS):
                    started_s = time.perf_counter()
                    loaded = load_file(connection, Point("bench", f"bench-{run}"), source, ZoneInfo("Asia/Seoul"))
                    took_s = time.perf_counter() - started_s
                    speed = loaded.added / took_s
                    ratio = f"{speed / LEGACY_ROWS_S:.0f} x"
                    table.add_row(str(run + 1), f"{loaded.added:,}", f"{took_s:.2f}", f"{speed:,.0f}", ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
