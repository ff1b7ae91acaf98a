"""Ships batches to a Kafka cluster: each row a message, then a mark. Key = site, so a site's order holds.

    row     site  log id  offset  and the columns of a batch's line after its offset
    mark    site  log id  offset  "closed"  time     all rows up to this minute have offsets before this one

Tab-separated. Every replica that the topic demands has a message before it counts. A client that failed is thrown
away and the same bytes are sent again by a new one; so a row may lie there twice, and (site, log id, offset) tells.
"""

import threading
import time
from collections.abc import Iterator
from datetime import datetime

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from common.clock import minute_start
from common.errors import SettingsError
from common.kafka_client import client, servers_and_topic
from common.logging_setup import quoted
from common.settings import Settings
from consumer.answers import DeliveryOutcome, Kind
from consumer.batch import OutgoingBatch
from consumer.closed import Closed

CLOSED = "closed"
LOOK_S = 0.05  # how often a wait checks the stop event
LOOK_AT_TOPIC_S = 2.0
CLIENT_S = 600.0  # then a new client: it reads renewed certificates, and learns of a topic that was made anew

# What only a person can mend, and where to look.
ADVICE = {
    KafkaError._AUTHENTICATION: "it refuses the user: look at kafka.user, kafka.mechanism and kafka.password_file",
    KafkaError.SASL_AUTHENTICATION_FAILED: "it refuses the user: look at kafka.user and kafka.password_file",
    KafkaError._SSL: "TLS fails: look at kafka.tls and kafka.ca_file, and at the names in the brokers' certificates",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the user may not write to the topic: give it the right Write",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "the user may not write: give it the right IdempotentWrite",
    KafkaError._UNKNOWN_TOPIC: "there is no such topic: make it, or correct server.url",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic: make it, or correct server.url",
    KafkaError.MSG_SIZE_TOO_LARGE: "the topic takes no message of 300 bytes: raise its max.message.bytes",
    KafkaError.POLICY_VIOLATION: "a rule of the cluster refuses the rows",
}


class KafkaCarrier:
    """See `consumer.carrier.Carrier`."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self._settings, self._stop = settings, stop
        self._topic = servers_and_topic(settings.server.url)[1]
        self._since_s = 0.0
        self._said: KafkaError | None = None  # what the client reported beside the messages
        self._producer: Producer | None = self._new()

    def carry(self, batch: OutgoingBatch, now: datetime, closed: Closed) -> DeliveryOutcome:
        if self._producer is None or time.monotonic() - self._since_s > CLIENT_S:
            self._producer = self._new()
        failed = self._send(self._producer, list(messages(batch, closed())))
        if failed is None:
            return DeliveryOutcome(Kind.DELIVERED)
        self._drop()
        return failed

    def close(self) -> None:
        self._drop()

    def _new(self) -> Producer:
        self._said, self._since_s = None, time.monotonic()
        try:
            return Producer(
                {
                    "partitioner": "murmur2_random",  # a site's partition, as other clients would choose it
                    "compression.type": "zstd",
                    **client(self._settings.server.url, self._settings.kafka),
                    "acks": "all",
                    "enable.idempotence": True,  # keeps the order, also across retries
                    "message.timeout.ms": max(1, int(self._settings.server.timeout_seconds * 1000)),
                    "error_cb": self._on_error,
                }
            )
        except (KafkaException, ValueError, TypeError) as error:
            raise SettingsError("kafka", f"the client does not take the settings: {quoted(error)}") from error

    def _drop(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _on_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN and (self._said is None or error.code() in ADVICE):
            self._said = error

    def _send(self, producer: Producer, rows: list[tuple[bytes, bytes]]) -> DeliveryOutcome | None:
        """Send all and wait for all; None = every one is safe."""
        failures: list[KafkaError] = []
        acknowledged = 0

        def delivered(error: KafkaError | None, _message: Message) -> None:
            nonlocal acknowledged
            if error is None:
                acknowledged += 1
            else:
                failures.append(error)

        give_up_s = time.monotonic() + self._settings.server.timeout_seconds + 1.0  # after the client's own
        waiting = iter(rows)
        row = next(waiting, None)
        while acknowledged < len(rows) and not failures and time.monotonic() < give_up_s:
            if self._stop.is_set():
                return DeliveryOutcome(Kind.RETRY, "this process was asked to stop")
            try:
                while row is not None:
                    producer.produce(self._topic, row[1], row[0], on_delivery=delivered)
                    row = next(waiting, None)
            except BufferError:
                pass  # the client's queue is full: the poll below makes room
            except KafkaException as error:
                failures.append(error.args[0])
                break
            producer.poll(LOOK_S)
        return self._judge(producer, failures) if acknowledged < len(rows) else None

    def _judge(self, producer: Producer, failures: list[KafkaError]) -> DeliveryOutcome:
        """What is wrong: a message that failed, what the client said beside it, or how the topic is."""
        seen = [*failures, *([self._said] if self._said is not None else [])]
        if self._said is None and (topic := self._topic_error(producer)) is not None:
            seen.append(topic)
        for error in seen:
            if error.code() in ADVICE:
                return DeliveryOutcome(Kind.SLOW, f"the Kafka cluster does not take rows: {ADVICE[error.code()]}")
        known = [error for error in seen if error.code() != KafkaError._MSG_TIMED_OUT]
        why = quoted(known[-1].str()) if known else "no broker answers: look at server.url, kafka.tls and the network"
        return DeliveryOutcome(Kind.RETRY, f"the Kafka cluster does not take rows: {why}")

    def _topic_error(self, producer: Producer) -> KafkaError | None:
        try:
            topics = producer.list_topics(self._topic, LOOK_AT_TOPIC_S).topics
        except KafkaException:
            return None
        return topics[self._topic].error if self._topic in topics else None


def messages(batch: OutgoingBatch, closed: int | None) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a batch, in order."""
    key, whose = batch.site.encode(), f"{batch.site}\t{batch.log_id}"
    for line in batch.lines:
        yield key, f"{whose}\t{line.text}".encode()
    if closed is not None:
        time_ = minute_start(closed).isoformat(timespec="seconds")
        yield key, f"{whose}\t{batch.last + 1}\t{CLOSED}\t{time_}".encode()
