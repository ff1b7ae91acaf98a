"""For tests: the archive of a center, the topic of all sites, and boxes that ship rows to it."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from confluent_kafka import Producer

from common.clock import SystemClock
from common.kafka_rows import Keyed, row_messages
from common.row import Row, format_payload
from common.runner import Context
from common.settings import Settings
from consumer.topic_archive import TopicArchive

FIRST = 28_730_000  # a UTC minute
DEADLINE_S = 120.0


def row_of(site: str, offset: int, flow: float = 8.5) -> Keyed:
    """The row of a site's log at an offset: one a minute."""
    payload = format_payload(Row(FIRST + offset, "001", flow, 4.1, 60), Settings().site.zone)
    return row_messages(site, f"log-of-{site}", [f"{offset}\t{payload}\t0\t0".encode()])[0]


def produce(broker: str, topic: str, messages: Sequence[Keyed], partition: int | None = None) -> None:
    producer = Producer({"bootstrap.servers": broker, "enable.idempotence": True, "partitioner": "murmur2_random"})
    for key, value in messages:
        if partition is None:
            producer.produce(topic, value, key)
        else:
            producer.produce(topic, value, key, partition)
    assert producer.flush(60) == 0


def stored(url: str) -> list[tuple[str, int]]:
    """The rows in the database, in order: site and offset."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT site, log_offset FROM REAL_VAL_TB ORDER BY site, log_offset").fetchall()


def marks(url: str) -> dict[int, int]:
    """How far each partition has come."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT partition, next FROM KAFKA_MARK_TB").fetchall())


def sites_of(url: str) -> list[tuple[Any, ...]]:
    """Each site: its name, when it was heard, its offset, and its closed minute."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT site, heard_at, next_offset, (extract(epoch FROM closed_through) / 60)::bigint FROM SITE_TB"
        ).fetchall()


class Center:
    """One process of the archive, stepped by hand."""

    def __init__(self, settings: Settings) -> None:
        self.worker = TopicArchive(Context(settings, SystemClock(), threading.Event(), "consumer-archive"))

    def step(self) -> dict[str, object]:
        return dict(self.worker.step(datetime.now(UTC)))

    def step_until(self, done: Callable[[], bool]) -> dict[str, object]:
        deadline_s = time.monotonic() + DEADLINE_S
        counters = self.step()
        while not done():
            assert time.monotonic() < deadline_s, counters
            counters = self.step()
        return counters
