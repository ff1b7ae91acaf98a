"""How fast batches are put into a topic: by the client's own loop, and by a box's sender. Both wait for each batch."""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import chain

from confluent_kafka import Producer
from peers.cluster import new_topic
from peers.topic import Took

from common.kafka_client import client
from common.kafka_rows import Keyed
from common.kafka_sender import KafkaSender
from common.settings import KafkaSettings

Batches = Sequence[Sequence[Keyed]]
TIMEOUT_S = 60.0


def looped(broker: str, kafka: KafkaSettings, batches: Batches) -> Took:
    """By the client's own loop, with the same promises."""
    topic = new_topic(broker)
    promises = {"acks": "all", "enable.idempotence": True, "compression.type": "zstd", "partitioner": "murmur2_random"}
    producer = Producer({**client(f"kafka://{broker}/{topic}", kafka), **promises})

    def send(batch: Sequence[Keyed]) -> None:
        for key, value in batch:
            producer.produce(topic, value, key)
        assert producer.flush(TIMEOUT_S) == 0

    return _timed(send, batches)


def shipped(broker: str, kafka: KafkaSettings, batches: Batches) -> Took:
    """By a box's sender."""
    sender = KafkaSender(f"kafka://{broker}/{new_topic(broker)}", kafka, TIMEOUT_S, threading.Event())

    def send(batch: Sequence[Keyed]) -> None:
        assert sender.send(batch) is None

    try:
        return _timed(send, batches)
    finally:
        sender.close()


def _timed(send: Callable[[Sequence[Keyed]], None], batches: Batches) -> Took:
    """All but the first batch, with which the connections are opened."""
    send(batches[0])
    clock_s, cpu_s = time.perf_counter(), time.process_time()
    for batch in batches[1:]:
        send(batch)
    number = len(list(chain.from_iterable(batches[1:])))
    return Took(number, time.perf_counter() - clock_s, time.process_time() - cpu_s)
