"""The claim: rows are shipped and archived at half of what the client's own loops move, which keep nothing.

Batches of two sizes, each with its mark, are put into a topic by the client's own loop and by the box's sender; both
wait until each batch is safe. One topic of all sites is read three times in one run: by the client's own loop, by a
loop that COPYs its rows into a table with the same keys and looks at nothing, and by the archive, which checks each
row, drops repeats and moves its marks in the same transaction. Then messages that are no rows. The clock, and processor
time of this process: Postgres and the broker are others. KAFKA_NODE or KAFKA_BROKER: a real broker (peers/cluster.py).
"""

import tempfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import psycopg
from confluent_kafka import Consumer, TopicPartition
from peers.cluster import PARTITIONS, cluster, load
from peers.shipping import looped, shipped
from peers.topic import ROWS, SITES, Took, archived, batches, fill, messages_of, timed
from rich.console import Console
from rich.table import Table

from common import settings
from common.folder import POSTGRES_URL_FILE
from common.settings import Settings
from consumer.topic_archive import POLL_ROWS
from postgres import server

STRANGE = 10_000
NUMBER = SITES * ROWS
ROUNDS = 3
SHIPPED = {10: 600, 1000: 72}  # rows of a batch: batches
LOOP, COPY, OURS = "the client's own loop", "a loop with COPY", "hydrolog-consumer"


def reader(broker: str, topic: str) -> Consumer:
    made = Consumer({"bootstrap.servers": broker, "group.id": "bench", "enable.auto.commit": False})
    made.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    return made


def bare(broker: str, topic: str, number: int) -> Took:
    consumer = reader(broker, topic)
    try:
        return timed(lambda: len([each.value() for each in consumer.consume(POLL_ROWS, 0.2)]), number)
    finally:
        consumer.close()


def copied(broker: str, topic: str, number: int, url: str) -> Took:
    consumer = reader(broker, topic)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS copied")
        connection.execute(
            "CREATE TABLE copied (site text, log_id text, log_offset bigint, time timestamptz, sensor text,"
            " flow float8, pressure float8, samples integer, flow_flags text, pressure_flags text, pred_flow float8,"
            " pred_pressure float8, PRIMARY KEY (site, sensor, time))"
        )
        connection.commit()

        def take() -> int:
            values = [each.value() or b"" for each in consumer.consume(POLL_ROWS, 0.2)]
            with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN (NULL '')") as copy:
                copy.write(b"\n".join((*values, b"")))
            connection.commit()
            return len(values)

        try:
            return timed(take, number)
        finally:
            consumer.close()


def both_ways(broker: str, chosen: Settings, url: str) -> tuple[Table, Table]:
    """What shipping takes, and what reading takes."""
    ships = Table("batches of", "", "rows/s", "CPU us a row", "clock, of the loop", "CPU, of the loop", title="Shipped")
    ways: dict[str, Callable[..., Took]] = {LOOP: looped, "a box's sender": shipped}
    for size, number in SHIPPED.items():
        lot = list(batches(min(number, SITES), size * -(-number // SITES), size))[:number]
        took = [{name: way(broker, chosen.kafka, lot) for name, way in ways.items()} for _ in range(ROUNDS)]
        found = {name: Took.lowest([each[name] for each in took]) for name in ways}
        for name, low in found.items():
            ships.add_row(f"{size:,} rows", name, *_figures(low, size * (len(lot) - 1)), *_beside(low, found[LOOP]))
    topic = fill(broker, chain.from_iterable(batches()))
    rows = fill(broker, chain.from_iterable(each[:-1] for each in batches()))
    found = {
        LOOP: bare(broker, topic, messages_of(NUMBER)),
        COPY: copied(broker, rows, NUMBER, url),
        OURS: archived(chosen, topic, messages_of(NUMBER), broker),
    }
    reads = Table(
        "", "rows/s", "CPU us a row", "clock, of COPY", "clock, of the loop", "CPU, of the loop", title="Read"
    )
    for name, each in found.items():
        rows_taken = each.messages if name == COPY else each.messages * NUMBER // messages_of(NUMBER)
        copy = found[COPY].clock_s / each.clock_s
        reads.add_row(name, *_figures(each, rows_taken), f"{copy:.2f}", *_beside(each, found[LOOP]))
    strange = fill(broker, ((b"site-1", b"foreign message %d" % each) for each in range(STRANGE)))
    last = archived(chosen, strange, STRANGE, broker)
    reads.add_row("the same, of what is no row", *_figures(last, last.messages))
    return ships, reads


def _figures(took: Took, rows: int) -> tuple[str, str]:
    return f"{rows / took.clock_s:,.0f}", f"{took.cpu_s / rows * 1e6:.1f}"


def _beside(took: Took, loop: Took) -> tuple[str, str]:
    return f"{loop.clock_s / took.clock_s:.2f}", f"{loop.cpu_s / took.cpu_s:.2f}"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        with server.running(data, "bench"), cluster() as broker:
            url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
            chosen = settings.load(None, {"HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_DATABASE__URL": url})
            Console(width=120).print(*both_ways(broker, chosen, url), load(), sep="\n")


if __name__ == "__main__":
    main()
