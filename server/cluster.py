"""Batches into the topic of a Kafka cluster: a message for each row.

A batch counts when every replica that the topic demands has all of it, and is answered then, whatever becomes of the
others. While a partition takes nothing, one of its batches at a time tries, and its others are put off at once: so no
queue fills, and the batches of other partitions do not notice. Nothing is kept here. The sender has the rows until they
are safe, and sends the same bytes again; the row's own name in each message tells repeats.
"""

import asyncio
import threading
import time
from collections import Counter
from typing import NamedTuple

from common.batch_mark import BatchMark
from common.errors import SettingsError
from common.kafka_producer import KafkaProducer, NotSafe, Sending
from common.kafka_rows import mark_message, row_messages
from common.kafka_sender import CLIENT_S
from common.settings import Settings
from server.batch import BatchKey, NotKept, StoredBatch

SEND_TIMEOUT_S = 20.0  # below the senders' deadline of 30 s; longer than a cluster needs to replace a dead leader
LOOK_EVERY_S = 5.0  # while no batch comes
SPENT_CLIENT_S = 30.0  # one that failed is replaced when it is so old: a new one takes a second to be of use
HEAR_S = 0.005  # between two looks at what is safe while a batch waits: as long as the client gathers messages
FORGET_S = 900.0  # a partition that failed, and that no box has tried since
MOST_SITES = 100_000  # whose partition is remembered
UNKNOWN = -1  # the partition of a site that nothing is known of yet
MIB = 1024 * 1024


class _Failing(NamedTuple):
    """Why a partition's last batch is not safe, and since when (monotonic)."""

    why: str
    since_s: float


class InCluster:
    """Keeps batches in the cluster of `log.url`; see `server.ingest.Keeper`."""

    room_bytes, least_bytes = 16 * MIB, 4096

    def __init__(self, settings: Settings) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self._url, self._kafka = settings.log.url, settings.kafka
        self._producer, self._swap = self._new(), threading.Lock()
        self._retired: list[KafkaProducer] = []  # with messages that are not told of yet
        self._is_spent = False  # the client had better be replaced
        self._partitions: dict[str, int] = {}  # of sites
        self._trying: Counter[int] = Counter()  # batches that wait, by partition
        self._failing: dict[int, _Failing] = {}  # partitions whose last batch is not safe
        self._taken: set[int] = set()  # partitions whose last batch is safe
        self._unseen = "the cluster was not seen yet"  # why it is not seen
        self._known_s = -LOOK_EVERY_S  # when the cluster was last heard
        self._waiting = 0  # batches
        self._heard_in: asyncio.AbstractEventLoop | None = None  # None: no batch waits

    @property
    def problem(self) -> str:
        """Why the rows of a partition are not safe, or the cluster is not seen; empty if nothing is wrong."""
        return next((each.why for each in self._failing.copy().values()), self._unseen)

    @property
    def taking(self) -> bool:
        """Whether rows are taken, of some partitions at least."""
        return not self._unseen and (bool(self._taken) or not self._failing)

    async def keep(self, key: BatchKey, lines: list[bytes], mark: BatchMark | None) -> StoredBatch:
        partition = self._partitions.get(key.site, UNKNOWN)
        failing = self._failing.get(partition)
        if self._trying[partition] and (failing or self._unseen):
            why = failing.why if failing else self._unseen
            raise NotKept("the cluster does not take rows; nothing of this batch is sent", why)
        self._trying[partition] += 1
        try:
            ended, failed = await self._sent(key, lines, mark)
        finally:
            self._trying[partition] -= 1
        if ended.partition >= 0 and (key.site in self._partitions or len(self._partitions) < MOST_SITES):
            self._partitions[key.site] = ended.partition
        if failed is not None:
            self._taken.discard(ended.partition)
            self._failing[ended.partition] = _Failing(failed.problem, time.monotonic())
            self._is_spent = self._is_spent or not self.taking or not ended.only_late
            self._known_s = -LOOK_EVERY_S
            raise NotKept("the cluster has not confirmed all rows of this batch", failed.problem)
        for each in (ended.partition, UNKNOWN):
            self._failing.pop(each, None)
        self._taken.add(ended.partition)
        self._unseen, self._known_s = "", time.monotonic()
        return StoredBatch(len(lines), 0)

    def step(self) -> None:
        """Replace a client that is old or has failed; see whether the cluster is there, if nothing else tells."""
        now_s = time.monotonic()
        if self._producer.age_s > (SPENT_CLIENT_S if self._is_spent else CLIENT_S):
            try:
                fresh = self._new()
            except SettingsError as error:  # what a new client reads is gone: a certificate, a password
                self._unseen = str(error)
                return
            with self._swap:
                self._retired.append(self._producer)
                self._producer, self._is_spent = fresh, False
        if now_s - self._known_s >= LOOK_EVERY_S:
            wrong = self._producer.look()
            self._unseen, self._known_s = wrong.problem if wrong else "", now_s
        with self._swap:
            if not self._waiting:  # else the server's loop hears
                self._retired.clear()
                self._producer.poll(0)
        for partition, failing in self._failing.copy().items():
            if now_s - failing.since_s > FORGET_S:
                self._failing.pop(partition, None)

    def close(self) -> None:
        """Send nothing more; whoever waits is told that nothing counts."""
        for each in (self._producer, *self._retired):
            each.purge()

    def _new(self) -> KafkaProducer:
        return KafkaProducer(self._url, self._kafka, SEND_TIMEOUT_S)

    async def _sent(self, key: BatchKey, lines: list[bytes], mark: BatchMark | None) -> tuple[Sending, NotSafe | None]:
        """What became of a batch's messages; with the reason if they are not all safe."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Sending] = loop.create_future()

        def tell(ended: Sending) -> None:
            if not told.done():  # a stop has ended the request
                told.set_result(ended)

        messages = row_messages(key.site, key.log_id, lines)
        if mark is not None:
            messages.append(mark_message(key.site, key.log_id, key.last + 1, mark))
        with self._swap:  # else the client could be retired, and forgotten, before it has the messages
            producer = self._producer
            self._waiting += 1
            producer.put(messages, tell)
        if self._heard_in is not loop:
            self._hear(loop)
        try:
            ended = await told
        finally:
            self._waiting -= 1
        return ended, producer.judge(ended.errors) if ended.errors else None

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear what becomes of the messages, again and again while a batch waits.

        In the server's own loop: a thread that waits for each acknowledgement, and then wakes the loop, costs more than
        all checks of a small batch.
        """
        for each in (self._producer, *self._retired):
            each.poll(0)
        with self._swap:
            self._retired = [each for each in self._retired if each.waiting]
        self._heard_in = loop if self._waiting else None
        if self._waiting:
            loop.call_later(HEAR_S, self._hear, loop)
