"""Sends messages to a topic of a Kafka cluster, and waits until every one is safe there. Loads the Kafka library.

Every replica that the topic demands has a message before it counts. A client that failed is thrown away, and the same
bytes are sent again by a new one: so a message may lie there twice, and the row's own name in it tells.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from common.errors import SettingsError
from common.kafka_client import client, servers_and_topic
from common.kafka_rows import Keyed
from common.logging_setup import quoted
from common.settings import KafkaSettings

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
    KafkaError._UNKNOWN_TOPIC: "there is no such topic: make it, or correct its name in the address",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic: make it, or correct its name in the address",
    KafkaError.MSG_SIZE_TOO_LARGE: "the topic takes no message of 300 bytes: raise its max.message.bytes",
    KafkaError.POLICY_VIOLATION: "a rule of the cluster refuses the rows",
}


@dataclass(frozen=True, slots=True)
class NotSafe:
    """Why messages are not known to be safe. `by_person`: only a person can mend it."""

    problem: str
    by_person: bool = False


class KafkaSender:
    """One client; one caller at a time."""

    def __init__(self, url: str, kafka: KafkaSettings, timeout_s: float, stop: threading.Event) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self._url, self._kafka, self._timeout_s, self._stop = url, kafka, timeout_s, stop
        self._topic = servers_and_topic(url)[1]
        self._since_s = 0.0
        self._said: KafkaError | None = None  # what the client reported beside the messages
        self._producer: Producer | None = self._new()

    def send(self, messages: Sequence[Keyed]) -> NotSafe | None:
        """Send all, in this order; None = every one is safe."""
        failed = self._send(self._client(), messages)
        if failed is not None:
            self.close()
        return failed

    def look(self) -> NotSafe | None:
        """Send nothing; None = a broker answers and has the topic."""
        producer = self._client()
        producer.poll(0)  # what the client has to say of itself
        try:
            topic = producer.list_topics(self._topic, LOOK_AT_TOPIC_S).topics.get(self._topic)
            error = topic.error if topic is not None else None
        except KafkaException as failed:
            error = failed.args[0]
        return self._judge(producer, [error]) if error is not None else None

    def close(self) -> None:
        """Forget what is under way; the next `send` opens a new client."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _client(self) -> Producer:
        if self._producer is None or time.monotonic() - self._since_s > CLIENT_S:
            self._producer = self._new()
        return self._producer

    def _new(self) -> Producer:
        self._said, self._since_s = None, time.monotonic()
        try:
            return Producer(
                {
                    "partitioner": "murmur2_random",  # a site's partition, as other clients would choose it
                    "compression.type": "zstd",
                    **client(self._url, self._kafka),
                    "acks": "all",
                    "enable.idempotence": True,  # keeps the order, also across retries
                    "message.timeout.ms": max(1, int(self._timeout_s * 1000)),
                    "error_cb": self._on_error,
                }
            )
        except (KafkaException, ValueError, TypeError) as error:
            raise SettingsError("kafka", f"the client does not take the settings: {quoted(error)}") from error

    def _on_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN and (self._said is None or error.code() in ADVICE):
            self._said = error

    def _send(self, producer: Producer, messages: Sequence[Keyed]) -> NotSafe | None:
        failures: list[KafkaError] = []
        acknowledged = 0

        def delivered(error: KafkaError | None, _message: Message) -> None:
            nonlocal acknowledged
            if error is None:
                acknowledged += 1
            else:
                failures.append(error)

        give_up_s = time.monotonic() + self._timeout_s + 1.0  # after the client's own
        waiting = iter(messages)
        message = next(waiting, None)
        while acknowledged < len(messages) and not failures and time.monotonic() < give_up_s:
            if self._stop.is_set():
                return NotSafe("this process was asked to stop")
            try:
                while message is not None:
                    producer.produce(self._topic, message[1], message[0], on_delivery=delivered)
                    message = next(waiting, None)
            except BufferError:
                pass  # the client's queue is full: the poll below makes room
            except KafkaException as error:
                failures.append(error.args[0])
                break
            producer.poll(LOOK_S)
        return self._judge(producer, failures) if acknowledged < len(messages) else None

    def _judge(self, producer: Producer, failures: list[KafkaError]) -> NotSafe:
        """What is wrong: a message that failed, what the client said beside it, or how the topic is."""
        seen = [*failures, *([self._said] if self._said is not None else [])]
        if self._said is None and (topic := self._topic_error(producer)) is not None:
            seen.append(topic)
        for error in seen:
            if error.code() in ADVICE:
                return NotSafe(f"the Kafka cluster does not take rows: {ADVICE[error.code()]}", by_person=True)
        known = [error for error in seen if error.code() != KafkaError._MSG_TIMED_OUT]
        why = quoted(known[-1].str()) if known else "no broker answers: look at the address, kafka.tls and the network"
        return NotSafe(f"the Kafka cluster does not take rows: {why}")

    def _topic_error(self, producer: Producer) -> KafkaError | None:
        try:
            topics = producer.list_topics(self._topic, LOOK_AT_TOPIC_S).topics
        except KafkaException:
            return None
        return topics[self._topic].error if self._topic in topics else None
