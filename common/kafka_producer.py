"""A client that sends messages to a topic of a Kafka cluster. Loads the Kafka library.

Every replica that the topic demands has a message before it counts. What is put in is told of by itself: messages for
a partition whose leader is away hold up no others.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from common.errors import SettingsError
from common.kafka_client import client, servers_and_topic
from common.kafka_rows import Keyed
from common.logging_setup import quoted
from common.settings import KafkaSettings

LOOK_AT_TOPIC_S = 2.0
MOST_MESSAGES = 500_000  # that wait in the client: more than the rows that a front holds at a time

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


class Sending:
    """Messages that were put in together.

    Attributes:
        errors: of those that are not safe; none when all are.
        partition: where they went; negative if nobody knows.
    """

    __slots__ = ("_done", "_left", "errors", "partition")

    def __init__(self, messages: int, done: Callable[["Sending"], None]) -> None:
        self._left, self._done = messages, done
        self.errors: list[KafkaError] = []
        self.partition = -1

    @property
    def only_late(self) -> bool:
        """Whether the time has run out, and nothing else was wrong."""
        return all(error.code() == KafkaError._MSG_TIMED_OUT for error in self.errors)

    def told(self, error: KafkaError | None, message: Message) -> None:
        """One message is safe, or is not."""
        if error is not None:
            self.errors.append(error)
        self._left -= 1
        if not self._left:
            partition = message.partition()
            self.partition = -1 if partition is None else partition
            self._done(self)

    def not_taken(self, error: KafkaError) -> None:
        """The client does not take a message; what it says of the others counts no more."""
        self._left = -1
        self.errors.append(error)
        self._done(self)


class KafkaProducer:
    """One client of a topic. Whoever calls `poll` or `flush` is told what became of the messages."""

    def __init__(self, url: str, kafka: KafkaSettings, timeout_s: float) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self._topic = servers_and_topic(url)[1]
        self._said: KafkaError | None = None  # what the client reported beside the messages
        self._since_s = time.monotonic()
        try:
            self._producer = Producer(
                {
                    "partitioner": "murmur2_random",  # a site's partition, as other clients would choose it
                    "compression.type": "zstd",
                    "queue.buffering.max.messages": MOST_MESSAGES,
                    **client(url, kafka),
                    "acks": "all",
                    "enable.idempotence": True,  # keeps the order, also across retries
                    "message.timeout.ms": max(1, int(timeout_s * 1000)),
                    "error_cb": self._on_error,
                }
            )
        except (KafkaException, ValueError, TypeError) as error:
            raise SettingsError("kafka", f"the client does not take the settings: {quoted(error)}") from error

    @property
    def age_s(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._since_s

    @property
    def waiting(self) -> int:
        """Messages that it has not told of yet."""
        return len(self._producer)

    def put(self, messages: Sequence[Keyed], done: Callable[[Sending], None]) -> None:
        """Take one message or more, in this order; never waits.

        Args:
            done: is called once, when all have been told of: by those two, or here if the client does not take them.
        """
        sending = Sending(len(messages), done)
        told, produce, topic = sending.told, self._producer.produce, self._topic
        try:
            for key, value in messages:
                produce(topic, value, key, on_delivery=told)
        except BufferError:
            sending.not_taken(KafkaError(KafkaError._QUEUE_FULL))
        except KafkaException as error:
            sending.not_taken(error.args[0])

    def poll(self, most_s: float) -> None:
        """Tell of messages, after a wait of at most `most_s` if there is nothing to tell."""
        self._producer.poll(most_s)

    def flush(self, most_s: float) -> None:
        """Send what waits for company now, and tell of messages, until all are told of or `most_s` is over."""
        self._producer.flush(most_s)

    def look(self) -> NotSafe | None:
        """See whether a broker answers and has the topic: None, or what is wrong. Takes `LOOK_AT_TOPIC_S` at most."""
        try:
            error = self._topic_error()
        except KafkaException as failed:
            error = failed.args[0]
        return self.judge([error]) if error is not None else None

    def explain(self, errors: Sequence[KafkaError]) -> NotSafe:
        """Like `judge`; if the client has said nothing, the cluster is asked how the topic is."""
        topic = None
        if self._said is None:
            with contextlib.suppress(KafkaException):
                topic = self._topic_error()
        return self.judge([*errors, *([topic] if topic is not None else [])])

    def purge(self) -> None:
        """Forget what is under way."""
        self._producer.purge()

    def judge(self, errors: Sequence[KafkaError]) -> NotSafe:
        """What is wrong, in our words where we know it: by these errors, and by what the client said beside them."""
        seen = [*errors, *([self._said] if self._said is not None else [])]
        for error in seen:
            if error.code() in ADVICE:
                return NotSafe(f"the Kafka cluster does not take rows: {ADVICE[error.code()]}", by_person=True)
        known = [error for error in seen if error.code() != KafkaError._MSG_TIMED_OUT]
        why = quoted(known[-1].str()) if known else "no broker answers: look at the address, kafka.tls and the network"
        return NotSafe(f"the Kafka cluster does not take rows: {why}")

    def _topic_error(self) -> KafkaError | None:
        topic = self._producer.list_topics(self._topic, LOOK_AT_TOPIC_S).topics.get(self._topic)
        return topic.error if topic is not None else None

    def _on_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN and (self._said is None or error.code() in ADVICE):
            self._said = error
