"""The claim: what a center of a thousand, ten thousand and a million boxes needs, from costs that are measured here.

First the costs, each in processor time, since this machine does other work, too: a batch for a front and for the
broker, a row for the archive and for Postgres, and the bytes of a row in the topic and in the table. Then one window of
ten minutes is simulated for each number of boxes (peers/crowd_model.py). KAFKA_NODE: a real broker (peers/cluster.py).
"""

import math
import tempfile
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import psycopg
from peers import boxes
from peers.cluster import broker_cpu_s, cluster, cpu_s, load, new_topic, postgres_cpu_s
from peers.crowd_model import COME_S, WINDOW_S, Costs, simulate
from peers.fronts import front
from peers.topic import ROWS as ROWS_OF_SITE
from peers.topic import SITES, archived, batches, fill, messages_of
from rich.console import Console
from rich.table import Table

from common import settings
from common.folder import POSTGRES_URL_FILE
from postgres import server as postgres
from server.front import MOST_BOXES

BOXES, ROWS = 2_000, 10  # of the measured crowd; ten rows: one meter
ROWS_ARCHIVED = SITES * ROWS_OF_SITE
CENTERS = (1_000, 10_000, 100_000, 1_000_000)
USE = 0.5  # of a core that is planned with: the other half is for the day after an outage
SPREAD_S = 300  # server.spread_seconds
YEAR_ROWS = 365 * 24 * 60  # of a meter


class Measured(NamedTuple):
    """Processor ms a batch of ten rows (with its connection), us a row; bytes a row. 0: not known."""

    costs: Costs
    broker_ms: float
    archive_us: float
    postgres_us: float
    topic_bytes: float
    table_bytes: float


def measured(folder: Path) -> Measured:
    data, kept = folder / "data", folder / "broker"
    kept.mkdir()
    with postgres.running(data, "bench"), cluster(kept) as broker:
        topic = new_topic(broker)
        with front(broker, topic, folder / "front") as (pid, port):
            work = [[boxes.request(f"site-{box}", 0, ROWS)] for box in range(BOXES)]
            before_s, broker_s = cpu_s(pid), broker_cpu_s()
            assert boxes.deliver(port, work).statuses == {200: BOXES}
            taken_s, broker_s = cpu_s(pid) - before_s, broker_cpu_s() - broker_s
            wrong = [[each[0].replace(b"Bearer s", b"Bearer x")] for each in work]  # refused as early as one put off
            before_s = cpu_s(pid)
            assert boxes.deliver(port, wrong, once=True).statuses == {401: BOXES}
            costs = Costs(taken_s / BOXES * 1e3, (cpu_s(pid) - before_s) / BOXES * 1e3)
        lies = sum(each.stat().st_size for each in kept.glob(f"data/{topic}-*/*.log"))
        url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
        chosen = settings.load(None, {"HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_DATABASE__URL": url})
        filled = fill(broker, chain.from_iterable(batches()))
        postgres_s = postgres_cpu_s(data)
        took = archived(chosen, filled, messages_of(ROWS_ARCHIVED), broker)
        postgres_s = postgres_cpu_s(data) - postgres_s
        with psycopg.connect(url) as connection:
            months = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('real_val_tb')"
            size = connection.execute(months.encode()).fetchone()
        assert size is not None
    return Measured(
        costs,
        broker_s / BOXES * 1e3,
        took.cpu_s / took.messages * messages_of(ROWS_ARCHIVED) / ROWS_ARCHIVED * 1e6,
        postgres_s / ROWS_ARCHIVED * 1e6,
        lies / BOXES / ROWS,
        int(size[0]) / ROWS_ARCHIVED,
    )


def shown_s(second: int) -> str:
    return f"{second} s" if second < WINDOW_S else "never"


def main() -> None:
    console = Console(width=130)
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        found = measured(Path(folder))
    costs = found.costs
    for line in (
        f"a batch of ten rows: front {costs.taken_ms:.2f} ms of a core, {costs.put_off_ms:.2f} ms if it is put off; "
        f"broker {found.broker_ms:.2f} ms",
        f"a row: archive {found.archive_us:.1f} us, Postgres {found.postgres_us:.1f} us; in the topic "
        f"{found.topic_bytes:.0f} bytes a copy, in the table with its keys {found.table_bytes:.0f} bytes",
        f"boxes of one meter for a core that is half busy: {WINDOW_S * 1e3 * USE / costs.taken_ms:,.0f}",
        load(),
    ):
        console.print(line)
    table = Table(
        "boxes, one meter each",
        "fronts",
        "boxes come within",
        "last served after",
        "put off, mean / worst",
        "fronts busy",
        "cores: archive",
        "Postgres",
        "a year in the table",
        "30 days in the topic, one copy",
        title="One window of ten minutes, simulated",
    )
    for number in CENTERS:
        enough = max(1, math.ceil(number * costs.taken_ms / 1e3 / WINDOW_S / USE))  # by their cores
        places = max(1, math.ceil(number / MOST_BOXES / 2))  # half of the boxes at a time
        for fronts, spread_s in dict.fromkeys(((enough, COME_S), (places, COME_S), (enough, SPREAD_S))):
            crowd = simulate(number, fronts, costs, spread_s)
            rows_s = number / 60
            table.add_row(
                f"{number:,}",
                f"{fronts}",
                f"{spread_s} s",
                shown_s(crowd.last_s),
                f"{crowd.put_off:.1f} / {crowd.worst}",
                f"{crowd.busy:.0%}",
                f"{rows_s * found.archive_us / 1e6:.2f}",
                f"{rows_s * found.postgres_us / 1e6:.2f}",
                f"{number * YEAR_ROWS * found.table_bytes / 1e12:,.2f} TB",
                f"{number * YEAR_ROWS / 365 * 30 * found.topic_bytes / 1e9:,.0f} GB",
            )
    console.print(table)


if __name__ == "__main__":
    main()
