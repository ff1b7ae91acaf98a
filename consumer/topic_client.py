"""How a group's member enters a Kafka cluster: its name, the protocol, and what the cluster's refusals mean."""

import logging
import socket
from collections.abc import Iterable
from typing import Any
from zlib import crc32

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from common.errors import LogError, SettingsError
from common.kafka_client import client
from common.kafka_producer import ADVICE
from common.logging_setup import quoted
from common.settings import Settings

ANSWER_S = 10.0  # the longest wait for one answer from the cluster

_PROTOCOL = "group.protocol"
_NEW, _CLASSIC = "consumer", "classic"  # of Kafka 4, and of older clusters
_NO_TOPIC = "there is no such topic: make it, or correct log.url"
_ADVICE = ADVICE | {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the user may not read the topic: give it the rights Read and Describe",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "the user may not join the group: give it the right Read on the group",
    KafkaError._UNKNOWN_TOPIC: _NO_TOPIC,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _NO_TOPIC,
}
_ENDS = (OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
_log = logging.getLogger(__name__)


class TopicClient:
    """Makes clients for one member of a group."""

    def __init__(self, settings: Settings, group: str) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        # A data folder of a machine is one member: the cluster keeps its partitions for it across a restart.
        self._name = f"{socket.gethostname()}-{group}-{crc32(str(settings.paths.data).encode()):08x}"
        self._settings, self._group, self._protocol = settings, group, _NEW
        self._said: KafkaError | None = None  # what a client reported last, beside its answers
        self._fenced = False
        self._admin = AdminClient(self._common())
        self.consumer().close()

    def consumer(self) -> Consumer:
        """A new member; not subscribed yet.

        Raises:
            LogError: another process has taken the member's name.
            SettingsError: the client does not take the settings.
        """
        if self._fenced:
            raise LogError(
                f"another process has joined the group {self._group} as {self._name}: end one, or set "
                "group.instance.id in kafka.client; then restart this one"
            )
        chosen = {
            "group.id": self._group,
            "group.instance.id": self._name,
            _PROTOCOL: self._protocol,
            **self._common(),
            "enable.auto.commit": False,
            "auto.offset.reset": "error",  # anything else passes over lost rows without a word
        }
        if chosen[_PROTOCOL] == _CLASSIC:
            chosen["partition.assignment.strategy"] = "cooperative-sticky"
        try:
            return Consumer(chosen)
        except (KafkaException, ValueError, TypeError) as error:
            raise SettingsError("kafka", f"the client does not take the settings: {quoted(error)}") from error

    def topic_id(self, topic: str, patience_s: float) -> str:
        """What the cluster calls a topic. After no answer a new client asks: the old one may wait for a dead broker.

        Raises:
            LogError: it does not answer, or there is no such topic for us.
        """
        try:
            asked = self._admin.describe_topics(TopicCollection([topic]), request_timeout=patience_s)
            found = str(asked[topic].result(patience_s).topic_id)
        except (KafkaException, TimeoutError) as error:
            failed = self.failure("say what its topic is", _why(error))
            self._admin = AdminClient(self._common())
            raise failed from error
        self._said = None
        return found

    def watermarks(self, topic: str, partition: int, patience_s: float) -> tuple[int, int]:
        """The first offset that the cluster still has, and the one that the next message will get.

        Not asked over a member's connection: there the question waits behind a fetch, half a second for each partition.

        Raises:
            LogError: the cluster does not say.
        """
        place = TopicPartition(topic, partition)
        try:
            asked = [self._admin.list_offsets({place: each}, request_timeout=patience_s)[place] for each in _ENDS]
            low, high = (each.result(patience_s).offset for each in asked)
        except (KafkaException, TimeoutError) as error:
            raise self.failure("say how far the topic goes", _why(error)) from error
        return low, high

    def ends(self, topic: str, partitions: Iterable[int], limit_s: float) -> dict[int, int]:
        """The offset that the next message of each partition will get; those that do not answer are left out."""
        latest = {TopicPartition(topic, each): _ENDS[1] for each in partitions}
        found: dict[int, int] = {}
        for place, asked in (self._admin.list_offsets(latest, request_timeout=limit_s) if latest else {}).items():
            try:
                found[place.partition] = asked.result(limit_s).offset
            except (KafkaException, TimeoutError) as error:
                _log.info("end_unknown partition=%d problem=%s", place.partition, quoted(error))
        return found

    def on_fatal(self, error: KafkaError) -> None:
        """A member has ended; the next one may do better.

        Raises:
            LogError: why it will not, or not yet.
        """
        if _is(error, KafkaError.UNSUPPORTED_VERSION) and self._protocol == _NEW:
            _log.info("cluster_protocol classic")
            self._protocol = _CLASSIC
            return
        self._fenced = _is(error, KafkaError.FENCED_INSTANCE_ID)
        raise LogError(f"the Kafka cluster has ended the membership of {self._name}: {quoted(error.str())}")

    def needs_person(self, error: KafkaError) -> bool:
        """Whether only a person can mend it."""
        return error.code() in _ADVICE

    def failure(self, doing: str, error: KafkaError) -> LogError:
        """What is wrong, in our words where we know it."""
        self._admin.poll(0)  # what it has to say beside its answer: a wrong password, a certificate
        for each in (error, self._said):
            if each is not None and each.code() in _ADVICE:
                return LogError(f"the Kafka cluster gives no rows: {_ADVICE[each.code()]}")
        return LogError(f"the Kafka cluster does not {doing}: {quoted(error.str())}; look at log.url and the network")

    def _common(self) -> dict[str, Any]:
        return client(self._settings.log.url, self._settings.kafka) | {"error_cb": self._on_error}

    def _on_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN and (self._said is None or self.needs_person(error)):
            self._said = error


def _why(error: KafkaException | TimeoutError) -> KafkaError:
    """What kept an answer away."""
    return error.args[0] if isinstance(error, KafkaException) else KafkaError(KafkaError._TIMED_OUT)


def _is(fatal: KafkaError, code: int) -> bool:
    """Whether this is the reason of a fatal error, which only its text tells."""
    return KafkaError(code).str() in fatal.str()
