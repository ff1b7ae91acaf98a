"""A member of a consumer group on a Kafka cluster: which partitions are ours, and their messages. Loads the library.

The cluster says which partitions are ours. Where each of them begins is said by whoever stores the messages, never by
the cluster's commits; until then it is paused. What was handed out is handed out again until it is stored.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from common.errors import LogError
from common.kafka_client import servers_and_topic
from common.logging_setup import quoted
from common.settings import Settings
from consumer.topic_client import ANSWER_S, TopicClient
from consumer.topic_progress import Behind, TopicProgress

POLL_S = 0.2  # how long a poll waits for messages that are being fetched
GATHER_S = 0.05  # and then for more, since a transaction for each message would be dear
NEVER = 1 << 63  # beyond every offset
HASTY_ANSWER_S = 3.0  # the longest wait for one answer while partitions are to be read
AGAIN_S = 2.0  # after no answer
ENDS_S = 5.0  # the longest wait for the ends of our partitions
LOOK_S = 10.0  # how often the topic is looked at: it may have been made anew

_log = logging.getLogger(__name__)


class TopicMember:
    """One caller at a time.

    Attributes:
        topic: its name.
        topic_id: what the cluster calls it; made anew, it gets another one.
        next: of each partition that is ours and begun, the first offset that is not stored.
        problem: what the cluster does not say, while partitions that are begun are read all the same.
    """

    def __init__(self, settings: Settings, group: str) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self.topic = servers_and_topic(settings.log.url)[1]
        self.topic_id = ""
        self.next: dict[int, int] = {}
        self.problem = ""
        self._arrived: set[int] = set()  # ours, and not begun
        self._waiting: list[Message] = []  # handed out, and not stored
        self._progress, self._tried_s = TopicProgress(), dict[int, float]()
        self._look_s = self._begin_s = 0.0  # monotonic: when to look at the topic again, and to begin partitions
        self._client = TopicClient(settings, group)
        self._consumer: Consumer | None = None

    def poll(self, most: int, begin: Callable[[int], int]) -> Sequence[Message]:
        """What was handed out and is not stored, or else the next messages, in order within each partition.

        Args:
            most: at most so many new messages.
            begin: gives the first offset of a partition that is not stored.

        Raises:
            LogError: the cluster gives no messages.
        """
        consumer = self._consumer or self._join()
        self._look()
        if self._waiting:  # take no more, but let the cluster know that we live
            consumer.pause(self._places([*self.next, *self._arrived]))
        try:
            got = consumer.consume(1, 0) if self._waiting else _gathered(consumer, most)
        except KafkaException as error:
            self._forget(list(self.next))  # messages may have been lost on their way to us
            raise self._client.failure("give rows", error.args[0]) from error
        failed = [message for message in got if message.error() is not None]
        self._keep([message for message in got if message.error() is None] if failed else got)
        for message in failed:
            self._on_error(message)
        if self._arrived and time.monotonic() >= self._begin_s:
            self._begin_arrived(begin)
        return self._waiting

    def stored(self, reached: Mapping[int, int]) -> None:
        """What was handed out is stored, up to these offsets; a partition that is not named is begun again."""
        unknown = {message.partition() for message in self._waiting} - reached.keys()
        self._waiting = []
        self.next |= reached
        self._forget(partition for partition in unknown if partition is not None)
        if self._consumer is None:
            return
        try:
            self._consumer.resume(self._places(self.next))
            if reached:  # for the cluster's own tools
                self._consumer.commit(offsets=self._places(reached, reached), asynchronous=True)
        except KafkaException as error:
            _log.info("cluster_not_told problem=%s", quoted(error))

    def watermarks(self, partition: int) -> tuple[int, int]:
        """The first offset that the cluster still has, and the one that the next message will get.

        Raises:
            LogError: it does not say.
        """
        return self._client.watermarks(self.topic, partition, self._patience_s)

    def behind(self) -> dict[int, Behind]:
        """How far behind our partitions are; those whose end the cluster does not say are left out."""
        self._progress.keep(set(self.next))
        now_s, ends = time.monotonic(), self._client.ends(self.topic, self.next, ENDS_S)
        return {each: self._progress.see(each, self.next[each], end, now_s) for each, end in ends.items()}

    @property
    def lag(self) -> int:
        """Messages of our partitions that are not stored, as far as the client has heard."""
        behind = 0
        for partition, offset in self.next.items():
            assert self._consumer is not None
            place = TopicPartition(self.topic, partition)
            behind += max(0, self._consumer.get_watermark_offsets(place, cached=True)[1] - offset)
        return behind

    def close(self) -> None:
        """Leave. The cluster keeps our partitions for us for a while."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer, self._waiting = None, []
        self.next, self._arrived = {}, set()

    def _join(self) -> Consumer:
        self._consumer = consumer = self._client.consumer()
        consumer.subscribe([self.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke)
        return consumer

    def _on_assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            # It is paused. Not a word like OFFSET_END: the client asks the cluster what that is, and an answer that
            # comes after the partition has begun moves it there, past rows that nobody has read.
            place.offset = 0
        consumer.incremental_assign(places)
        consumer.pause(places)
        self._arrived |= {place.partition for place in places}

    def _on_revoke(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        gone = {place.partition for place in places}
        self._drop(gone)
        self._arrived -= gone

    @property
    def _patience_s(self) -> float:
        """How long to wait for an answer: shorter while there are partitions to be read meanwhile."""
        return HASTY_ANSWER_S if self.next else ANSWER_S

    def _look(self, *, anyway: bool = False) -> None:
        """Now and then: is the topic still the same?"""
        if time.monotonic() < self._look_s and not anyway:
            return
        self._look_s = time.monotonic() + AGAIN_S
        try:
            found = self._client.topic_id(self.topic, self._patience_s)
        except LogError as error:
            self._doubt(error)
            return
        self.problem = ""
        self._look_s = time.monotonic() + LOOK_S
        if found != self.topic_id:
            self.topic_id = found
            self._forget(list(self.next))

    def _keep(self, messages: list[Message]) -> None:
        """Hand these out, but for what was fetched before its partition was begun, or that has gone."""
        begun = self.next
        self._waiting += [each for each in messages if each.offset() >= begun.get(each.partition(), NEVER)]  # type: ignore[operator,arg-type]

    def _on_error(self, message: Message) -> None:
        error, partition = message.error(), message.partition()
        if error is None:
            return
        if error.code() == KafkaError._AUTO_OFFSET_RESET and partition is not None:
            self._forget([partition])  # retention, a topic made anew, an offset beyond the end: its beginning will tell
        elif error.code() == KafkaError._FATAL:
            self.close()
            self._client.on_fatal(error)
        elif self._client.needs_person(error):
            raise self._client.failure("give rows", error)
        else:
            _log.info("cluster_said problem=%s", quoted(error.str()))

    def _doubt(self, error: LogError) -> None:
        """Something is not known: no reason to stop reading what goes well, nor to be silent about it.

        Raises:
            LogError: nothing goes well.
        """
        self.problem = str(error)
        if not self.next:
            raise error

    def _begin_arrived(self, begin: Callable[[int], int]) -> None:
        """Begin those that have become ours. Where they begin depends on which topic it is now."""
        self._look(anyway=True)
        self._begin_s = time.monotonic() + AGAIN_S if self.problem else 0.0
        if self.problem:
            return
        for partition in sorted(self._arrived, key=lambda each: self._tried_s.get(each, 0.0)):
            self._tried_s[partition] = time.monotonic()  # whose leader is away comes last the next time
            try:
                self._begin(partition, begin(partition))
            except LogError as error:
                self._begin_s = time.monotonic() + AGAIN_S
                self._doubt(error)
                return

    def _begin(self, partition: int, offset: int) -> None:
        place = TopicPartition(self.topic, partition, offset)
        assert self._consumer is not None
        try:  # anew, since one whose offset was refused cannot be moved
            self._consumer.incremental_unassign([place])
            self._consumer.incremental_assign([place])
            self._consumer.resume([place])
        except KafkaException as error:  # the next poll tries again
            _log.info("not_begun partition=%d problem=%s", partition, quoted(error))
            return
        self.next[partition] = offset
        self._arrived.discard(partition)

    def _forget(self, partitions: Iterable[int]) -> None:
        """Begin these again, if they are still ours."""
        ours = [partition for partition in partitions if partition in self.next]
        self._drop(ours)
        self._arrived |= set(ours)
        if self._consumer is not None and ours:
            self._consumer.pause(self._places(ours))

    def _drop(self, partitions: Iterable[int]) -> None:
        gone = set(partitions)
        self._waiting = [message for message in self._waiting if message.partition() not in gone]
        for partition in gone:
            self.next.pop(partition, None)

    def _places(self, partitions: Iterable[int], offsets: Mapping[int, int] | None = None) -> list[TopicPartition]:
        if offsets is None:
            return [TopicPartition(self.topic, partition) for partition in partitions]
        return [TopicPartition(self.topic, partition, offsets[partition]) for partition in partitions]


def _gathered(consumer: Consumer, most: int) -> list[Message]:
    """What is there, or comes soon; at most so many."""
    first = consumer.consume(1, POLL_S)
    return first + consumer.consume(most - 1, GATHER_S) if first else first
