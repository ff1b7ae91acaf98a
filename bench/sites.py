"""The claim: a row costs little more in a center of ten thousand sites than in one of ten.

The same number of rows, of few sites or of many, each ten minutes with its mark: processor time a row of the archive,
and of Postgres with it. Lowest of some rounds, each into an empty table. KAFKA_NODE: a real broker (peers/cluster.py).
"""

import tempfile
from itertools import chain
from pathlib import Path

import psycopg
from peers.cluster import cluster, load, postgres_cpu_s
from peers.topic import archived, batches, fill, messages_of
from rich.console import Console
from rich.table import Table

from common import settings
from common.folder import POSTGRES_URL_FILE
from postgres import server

SITES = (10, 1_000, 10_000)
ROWS = 100_000
ROUNDS = 3
_EMPTY = ("DELETE FROM SITE_TB", "DELETE FROM KAFKA_MARK_TB", "TRUNCATE REAL_VAL_TB")


def main() -> None:
    table = Table("sites", "rows/s", "archive us a row", "with Postgres us a row", "of ten sites", title="Many sites")
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        with server.running(data, "bench"), cluster() as broker:
            url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
            chosen = settings.load(None, {"HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_DATABASE__URL": url})
            topics = {sites: fill(broker, chain.from_iterable(batches(sites, ROWS // sites))) for sites in SITES}
            found: dict[int, list[tuple[float, float, float]]] = {sites: [] for sites in SITES}
            for _ in range(ROUNDS):
                for sites, topic in topics.items():
                    found[sites].append(_took(chosen, topic, broker, data))
                    with psycopg.connect(url, autocommit=True) as connection:
                        for statement in _EMPTY:
                            connection.execute(statement.encode())
            first = min(each[2] for each in found[SITES[0]])
            for sites, took in found.items():
                clock_s, own_us, both_us = (min(each) for each in zip(*took, strict=True))
                values = (f"{ROWS / clock_s:,.0f}", f"{own_us:.1f}", f"{both_us:.1f}", f"{both_us / first:.2f}")
                table.add_row(f"{sites:,}", *values)
            Console(width=120).print(table, load())


def _took(chosen: settings.Settings, topic: str, broker: str, data: Path) -> tuple[float, float, float]:
    """Seconds by the clock; processor us a row of the archive; of Postgres, too."""
    before_s = postgres_cpu_s(data)
    took = archived(chosen, topic, messages_of(ROWS), broker)
    postgres_s = postgres_cpu_s(data) - before_s
    return took.clock_s, took.cpu_s / ROWS * 1e6, (took.cpu_s + postgres_s) / ROWS * 1e6


if __name__ == "__main__":
    main()
