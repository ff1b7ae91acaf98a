"""The claim: a center's archive takes a third of the rows that a loop with COPY takes, which checks nothing.

One topic of all sites, read three times in one run: by the client's own loop that keeps nothing, by a loop that COPYs
what it reads into a table with the same keys and looks at nothing, and by the archive, which checks each row, drops
repeats and moves its marks in the same transaction. Then messages that are no rows. Clock, and processor time of this
process: Postgres and the broker are others. KAFKA_NODE or KAFKA_BROKER: a real broker (peers/cluster.py).
"""

import dataclasses
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition
from peers import boxes
from peers.cluster import PARTITIONS, cluster, load, new_topic
from rich.console import Console
from rich.table import Table

from common import database, settings
from common.clock import SystemClock
from common.folder import POSTGRES_URL_FILE
from common.kafka_rows import Keyed, row_messages
from common.runner import Context
from common.settings import Settings
from consumer.topic_archive import POLL_ROWS, TopicArchive
from postgres import server

SITES, ROWS, STRANGE = 600, 120, 10_000  # rows of a site: two hours
JOIN_S = 60.0


class Took(NamedTuple):
    """Messages, seconds by the clock, and of this process's processor."""

    messages: int
    clock_s: float
    cpu_s: float


def rows() -> Iterator[Keyed]:
    """Two hours of all sites, as they come: every site's ten minutes, then its next ten."""
    for first in range(0, ROWS, 10):
        for site in range(SITES):
            body = boxes.request(f"site-{site}", first, 10).partition(b"\r\n\r\n")[2]
            yield from row_messages(f"site-{site}", boxes.LOG_ID, body.splitlines())


def fill(broker: str, messages: Iterator[Keyed]) -> str:
    """A new topic that holds these."""
    topic: str = new_topic(broker)
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 50, "partitioner": "murmur2_random"})
    for key, value in messages:
        producer.produce(topic, value, key)
        producer.poll(0)
    assert producer.flush(120) == 0
    return topic


def timed(take: Callable[[], int], number: int) -> Took:
    """From the first messages on, which are not counted, until all have been taken."""
    first = 0
    give_up_s = time.monotonic() + JOIN_S
    while not first:
        assert time.monotonic() < give_up_s, "nothing comes"
        first = take()
    left = number - first
    clock_s, cpu_s = time.perf_counter(), time.process_time()
    while left > 0:
        left -= take()
    return Took(number - first, time.perf_counter() - clock_s, time.process_time() - cpu_s)


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
        connection.execute("CREATE TABLE copied (LIKE RECEIVED_TB INCLUDING ALL)")
        connection.execute("ALTER TABLE copied DROP COLUMN received_at")
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


def archived(chosen: Settings, topic: str, number: int, broker: str) -> Took:
    log = dataclasses.replace(chosen.log, url=f"kafka://{broker}/{topic}")
    kafka = dataclasses.replace(chosen.kafka, client=(f"group.id={topic}", "group.protocol=classic"))
    of_topic = dataclasses.replace(chosen, log=log, kafka=kafka)
    worker = TopicArchive(Context(of_topic, SystemClock(), threading.Event(), "consumer-archive"))

    def take() -> int:
        if messages := worker._member.poll(POLL_ROWS, worker._begin):
            number = len(messages)
            worker._store(messages)
            return number
        return 0

    try:
        return timed(take, number)
    finally:
        worker.close()


def main() -> None:
    number = SITES * ROWS
    table = Table("", "messages", "messages/s", "CPU us", "clock, of COPY", "CPU, of the bare loop", title="All sites")
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        with server.running(data), cluster() as broker:
            url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
            database.init_schema(url)
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
