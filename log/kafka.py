"""The same roles on a real Kafka cluster: set `log.url = "kafka://host:9092/topic"`, nothing else.

One topic with one partition, because the order of rows is guaranteed. A group reads by explicit assignment: the role
locks of the data folder decide which process runs it, so no rebalance is needed. The cluster handles retention: `trim`
does nothing. Needs the extra ``kafka`` (confluent-kafka).
"""

import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from common.errors import LogError
from common.kafka_client import servers_and_topic
from common.logging_setup import quoted
from log.format import Record, encoded

ANSWER_S = 10.0  # the longest wait for one answer from the cluster
POLL_S = 0.2  # how long a poll waits for rows that are being fetched
LOOKING_GROUP = "hydrolog-looking"  # reads without ever committing
PARTITION = 0

_log = logging.getLogger(__name__)


def _answer(doing: str, error: KafkaException) -> LogError:
    return LogError(f"the Kafka cluster cannot {doing}: {quoted(error)}")


def _say(error: KafkaError) -> None:
    """Log librdkafka's errors instead of printing them to standard error."""
    _log.warning("kafka problem=%s", quoted(error.str()))


def committed(url: str, groups: Sequence[str], seconds: float) -> dict[str, int | None]:
    """What each group has committed, read without joining it; None if it never has. Waits at most `seconds`.

    Raises:
        LogError: the cluster does not answer in time.
    """
    servers, topic = servers_and_topic(url)
    give_up_s = time.monotonic() + seconds
    found: dict[str, int | None] = {}
    for group in groups:
        looking = Consumer({"bootstrap.servers": servers, "group.id": group, "error_cb": _say, "log_level": 2})
        try:
            left_s = max(give_up_s - time.monotonic(), 0.001)
            (place,) = looking.committed([TopicPartition(topic, PARTITION)], timeout=left_s)
        except KafkaException as error:
            raise _answer("say what the groups have committed", error) from error
        finally:
            looking.close()
        if place.error is not None:
            raise _answer("say what the groups have committed", KafkaException(place.error))
        found[group] = place.offset if place.offset >= 0 else None  # negative: never committed
    return found


class KafkaLog:
    """See `log.roles.Log`."""

    def __init__(self, url: str) -> None:
        servers, self._topic = servers_and_topic(url)
        self._common: dict[str, Any] = {"bootstrap.servers": servers, "error_cb": _say, "log_level": 2}
        admin = AdminClient(self._common)
        try:
            metadata = admin.list_topics(timeout=ANSWER_S)
            if self._topic not in metadata.topics:
                admin.create_topics([NewTopic(self._topic, num_partitions=1)])[self._topic].result(ANSWER_S)
        except KafkaException as error:
            raise _answer("be reached", error) from error
        # Cluster and topic identify the log; a topic that is deleted and created again must get a new name.
        self.log_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{metadata.cluster_id}/{self._topic}"))
        self._producer = Producer(
            {
                **self._common,
                "acks": "all",
                "max.in.flight.requests.per.connection": 1,  # keeps the order across a retry
                "message.timeout.ms": int(ANSWER_S * 1000),
                "linger.ms": 0,
            }
        )
        self._looking = self._consumer(LOOKING_GROUP)

    def id_of(self, _offset: int) -> str:
        return self.log_id

    def _consumer(self, group: str) -> Consumer:
        return Consumer(
            {**self._common, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )

    def _partition(self, offset: int | None = None) -> TopicPartition:
        if offset is None:
            return TopicPartition(self._topic, PARTITION)
        return TopicPartition(self._topic, PARTITION, offset)

    def _watermarks(self) -> tuple[int, int]:
        try:
            low, high = self._looking.get_watermark_offsets(self._partition(), timeout=ANSWER_S)
        except KafkaException as error:
            raise _answer("say how far the log goes", error) from error
        return low, high

    @property
    def base_offset(self) -> int:
        return self._watermarks()[0]

    @property
    def end_offset(self) -> int:
        return self._watermarks()[1]

    def append(self, lines: Sequence[str]) -> int:
        """Append rows; returns when all required replicas have them.

        If the cluster fails midway, it may keep some rows of an append that is reported as failed. The retry sends them
        again, and the archive's key (sensor, minute) drops them.

        Raises:
            LogError: the cluster did not confirm all of them.
            ValueError: as for the log in a file.
        """
        payloads = encoded(lines)
        offsets: list[int] = []
        failures: list[str] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failures.append(error.str())
            else:
                offsets.append(message.offset() or 0)

        for payload in payloads:
            self._producer.produce(self._topic, payload, partition=PARTITION, on_delivery=delivered)
        waiting = self._producer.flush(ANSWER_S * 1.5)
        if failures or waiting or len(offsets) != len(lines):
            self._producer.purge()
            raise LogError(
                f"the Kafka cluster did not take the rows: {quoted(failures[0] if failures else 'no answer')}"
            )
        return min(offsets)

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Rows from an offset on, for inspection."""
        low, high = self._watermarks()
        wanted = min(max_records, high - max(low, offset))
        if wanted <= 0:
            return []
        self._looking.assign([self._partition(max(low, offset))])
        records: list[Record] = []
        while len(records) < wanted and (got := _records(self._looking.consume(wanted - len(records), ANSWER_S))):
            records += got
        self._looking.unassign()
        return records

    def group(self, name: str) -> "KafkaGroup":
        return KafkaGroup(self, self._consumer(name), self._partition())

    def trim(self) -> bool:
        """Nothing: the cluster's retention removes rows."""
        return False

    def close(self) -> None:
        self._looking.close()


class KafkaGroup:
    """See `log.roles.Group`."""

    def __init__(self, log: KafkaLog, consumer: Consumer, partition: TopicPartition) -> None:
        self._log = log
        self._consumer = consumer
        self._partition = partition
        try:
            stored = consumer.committed([partition], timeout=ANSWER_S)[0].offset
        except KafkaException as error:
            raise _answer("say what the group has committed", error) from error
        self.committed = stored if stored >= 0 else log.base_offset  # negative: never committed
        self.position = self.committed
        self.seek(self.committed)

    @property
    def lag(self) -> int:
        return max(0, self._log.end_offset - self.committed)

    def seek(self, offset: int) -> None:
        self.position = offset
        self._consumer.assign([TopicPartition(self._partition.topic, PARTITION, offset)])

    def poll(self, max_records: int) -> list[Record]:
        """The next rows that have been fetched, at most `max_records`."""
        try:
            records = _records(self._consumer.consume(max_records, POLL_S))
        except KafkaException as error:
            raise _answer("give rows", error) from error
        if records:
            self.position = records[-1].offset + 1
        return records

    def commit(self, offset: int) -> None:
        if offset <= self.committed:
            return
        place = TopicPartition(self._partition.topic, PARTITION, offset)
        try:
            self._consumer.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            raise _answer("commit", error) from error
        self.committed = offset

    def close(self) -> None:
        self._consumer.close()


def _records(messages: list[Message]) -> list[Record]:
    records = []
    for message in messages:
        if (error := message.error()) is not None:
            raise LogError(f"the Kafka cluster reports {quoted(error.str())}")
        value, offset = message.value(), message.offset()
        if value is not None and offset is not None:
            records.append(Record(offset, bytes(value).decode(errors="replace")))
    return records
