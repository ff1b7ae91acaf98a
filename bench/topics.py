"""The claim: a center's archive takes a third of the rows that a loop with COPY takes, which checks nothing.

One topic of all sites, read three times in one run: by the client's own loop that keeps nothing, by a loop that COPYs
what it reads into a table with the same keys and looks at nothing, and by the archive, which checks each row, drops
repeats and moves its marks in the same transaction. Then messages that are no rows. Clock, and processor time of this
process: Postgres and the broker are others. KAFKA_NODE or KAFKA_BROKER: a real broker (peers/cluster.py).
"""

import tempfile
from pathlib import Path

import psycopg
from confluent_kafka import Consumer, TopicPartition
from peers.cluster import PARTITIONS, cluster, load
from peers.topic import ROWS, SITES, Took, archived, fill, rows, timed
from rich.console import Console
from rich.table import Table

from common import settings
from common.folder import POSTGRES_URL_FILE
from consumer.topic_archive import POLL_ROWS
from postgres import server

STRANGE = 10_000


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


def main() -> None:
    number = SITES * ROWS
    table = Table("", "messages", "messages/s", "CPU us", "clock, of COPY", "CPU, of the bare loop", title="All sites")
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        with server.running(data, "bench"), cluster() as broker:
            url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
            chosen = settings.load(None, {"HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_DATABASE__URL": url})
            topic = fill(broker, rows())
            found = {
                "the client's own loop": bare(broker, topic, number),
                "a loop with COPY": copied(broker, topic, number, url),
                "hydrolog-consumer": archived(chosen, topic, number, broker),
            }
            strange = fill(broker, ((b"site-1", b"foreign message %d" % each) for each in range(STRANGE)))
            found["the same, of what is no row"] = archived(chosen, strange, STRANGE, broker)
    loop, copy = found["the client's own loop"], found["a loop with COPY"]
    for name, took in found.items():
        rate = took.messages / took.clock_s
        table.add_row(
            name,
            f"{took.messages:,}",
            f"{rate:,.0f}",
            f"{took.cpu_s / took.messages * 1e6:.1f}",
            f"{rate / (copy.messages / copy.clock_s):.2f}",
            f"{loop.cpu_s / loop.messages / (took.cpu_s / took.messages):.2f}",
        )
    Console(width=120).print(table, load())


if __name__ == "__main__":
    main()
