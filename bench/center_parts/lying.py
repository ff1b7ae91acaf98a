"""What lies in the topic of a soak."""

import time
from collections.abc import Iterator, Mapping

from center_parts.brokers import TOPIC
from confluent_kafka import Consumer, TopicPartition

from common.kafka_rows import sift

ANSWER_S, READ_S = 30.0, 120.0

Lying = tuple[int, str, int]  # of a row: partition, site, offset in the site's log


def lying(address: str, ends: Mapping[int, int] | None = None) -> Iterator[Lying]:
    """Each row in the topic, in order within a partition. `ends`: those of these partitions before these places."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "soak", "enable.auto.commit": False})
    give_up_s = time.monotonic() + READ_S
    try:
        there = consumer.list_topics(TOPIC, ANSWER_S).topics[TOPIC].partitions
        for partition in sorted(there) if ends is None else sorted(ends):
            seen, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=ANSWER_S)
            end = end if ends is None else ends[partition]
            consumer.assign([TopicPartition(TOPIC, partition, seen)])
            while seen < end:
                if time.monotonic() > give_up_s:
                    raise SystemExit(f"the topic could not be read within {READ_S:g} s")
                messages = [each for each in consumer.consume(min(1000, end - seen), 5.0) if (each.offset() or 0) < end]
                values = [message.value() or b"" for message in messages]
                for number in sift([message.key() for message in messages], values).rows:
                    site, _, offset, _ = values[number].decode().split("\t", 3)
                    yield partition, site, int(offset)
                seen = max((message.offset() or 0 for message in messages), default=seen - 1) + 1
    finally:
        consumer.close()
