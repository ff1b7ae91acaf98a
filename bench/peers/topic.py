"""A topic of all sites, filled, and how fast somebody takes what lies in it."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from confluent_kafka import Producer
from peers import boxes
from peers.cluster import new_topic

from common.clock import SystemClock
from common.kafka_rows import Keyed, row_messages
from common.runner import Context
from common.settings import Settings
from consumer.topic_archive import POLL_ROWS, TopicArchive

SITES, ROWS = 600, 120  # rows of a site: two hours of one meter
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
