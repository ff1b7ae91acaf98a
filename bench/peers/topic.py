"""A topic of all sites, filled, and how fast somebody takes what lies in it."""

import dataclasses
import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from confluent_kafka import Producer
from peers import boxes
from peers.cluster import new_topic

from common.batch_mark import BatchMark
from common.clock import SystemClock, minute_of
from common.kafka_rows import Keyed, mark_message, row_messages
from common.runner import Context
from common.settings import Settings
from consumer.topic_archive import POLL_ROWS, TopicArchive

SITES, ROWS = 600, 480  # rows of a site: eight hours of one meter; many, since the client reads ahead uncounted
BATCH = 10  # rows, and then a mark
JOIN_S = 60.0


class Took(NamedTuple):
    """Messages, seconds by the clock, and of this process's processor."""

    messages: int
    clock_s: float
    cpu_s: float

    @classmethod
    def lowest(cls, took: "Sequence[Took]") -> "Took":
        """Of the same, done several times."""
        return cls(took[0].messages, min(each.clock_s for each in took), min(each.cpu_s for each in took))


def batches(sites: int = SITES, rows: int = ROWS, batch: int = BATCH) -> Iterator[list[Keyed]]:
    """So many rows of each site, as they come: a batch of every site, each with its mark, then the next ones."""
    for first in range(0, rows, batch):
        mark = BatchMark(first, minute_of(boxes.START) + first)
        for site in (f"site-{number}" for number in range(sites)):
            body = boxes.request(site, first, batch).partition(b"\r\n\r\n")[2]
            yield [
                *row_messages(site, boxes.LOG_ID, body.splitlines()),
                mark_message(site, boxes.LOG_ID, first + batch, mark),
            ]


def messages_of(rows: int) -> int:
    """How many messages so many rows are, with their marks."""
    return rows // BATCH * (BATCH + 1)


def fill(broker: str, messages: Iterable[Keyed]) -> str:
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
    gc.collect()
    gc.freeze()  # as every program of ours does
    left = number - first
    clock_s, cpu_s = time.perf_counter(), time.process_time()
    while left > 0:
        left -= take()
    return Took(number - first, time.perf_counter() - clock_s, time.process_time() - cpu_s)


def archived(chosen: Settings, topic: str, number: int, broker: str) -> Took:
    log = dataclasses.replace(chosen.log, url=f"kafka://{broker}/{topic}")
    kafka = dataclasses.replace(chosen.kafka, client=(f"group.id={topic}", "group.protocol=classic"))
    of_topic = dataclasses.replace(chosen, log=log, kafka=kafka)
    worker = TopicArchive(Context(of_topic, SystemClock(), threading.Event(), "consumer-archive"))

    def take() -> int:
        if messages := worker._member.poll(POLL_ROWS, worker._begin):
            taken = len(messages)
            worker._store(messages)
            return taken
        return 0

    try:
        return timed(take, number)
    finally:
        worker.close()
