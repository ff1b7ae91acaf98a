"""Batches into the topic of a Kafka cluster: a message for each row. What waits at the same time is sent together.

A batch counts when every replica that the topic demands has all of it. While the cluster takes nothing, one batch at a
time tries, and all others are put off at once: so no queue fills. Nothing is kept here. The sender has the rows until
they are safe, and sends the same bytes again; the row's own name in each message tells repeats.
"""

import asyncio
import threading
import time
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import NamedTuple

from common.batch_mark import BatchMark
from common.errors import SettingsError
from common.kafka_rows import Keyed, mark_message, row_message
from common.kafka_sender import KafkaSender, NotSafe
from common.settings import Settings
from server.batch import Arrived, BatchKey, NotKept, StoredBatch

SEND_TIMEOUT_S = 20.0  # below the senders' deadline of 30 s; longer than a cluster needs to replace a dead leader
LOOK_EVERY_S = 5.0  # while no batch comes
MIB = 1024 * 1024


class _Job(NamedTuple):
    """What waits for the thread; without messages it is a look at the cluster."""

    messages: list[Keyed]
    done: "Future[NotSafe | None]"


class InCluster:
    """Keeps batches in the cluster of `log.url`; see `server.ingest.Keeper`.

    Attributes:
        problem: why the newest rows are not safe; empty when they are.
    """

    room_bytes, least_bytes = 16 * MIB, 4096

    def __init__(self, settings: Settings) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self._stop = threading.Event()
        self._sender = KafkaSender(settings.log.url, settings.kafka, SEND_TIMEOUT_S, self._stop)
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._batches = 0  # that wait for an answer
        self._unsafe = ""  # why the last batches are not safe
        self._unseen = "the cluster was not seen yet"  # why it is not seen
        self._known_s = -LOOK_EVERY_S  # when the cluster was last heard
        self._thread = threading.Thread(target=self._work, name="cluster", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        return self._unsafe or self._unseen

    async def keep(self, key: BatchKey, body: bytes, rows: list[Arrived], mark: BatchMark | None) -> StoredBatch:
        if self._batches and self.problem:
            raise NotKept("the cluster does not take rows; nothing of this batch is sent", self.problem)
        self._batches += 1
        try:
            lines = body.decode("ascii").removesuffix("\n").split("\n")
            messages = [row_message(key.site, key.log_id, line) for line in lines]
            if mark is not None:
                messages.append(mark_message(key.site, key.log_id, key.last + 1, mark))
            failed = await asyncio.wrap_future(self._put(messages))
        finally:
            self._batches -= 1
        if failed is not None:
            raise NotKept("the cluster has not confirmed all rows of this batch", failed.problem)
        return StoredBatch(len(rows), 0)

    def look(self) -> None:
        """See whether the cluster is there, if nothing was heard of it for a while."""
        if not self._batches and time.monotonic() - self._known_s >= LOOK_EVERY_S:
            self._put([]).result()

    def close(self) -> None:
        """Send nothing more; whoever waits is told that nothing counts."""
        self._stop.set()
        self._waiting.put(None)

    def _put(self, messages: list[Keyed]) -> "Future[NotSafe | None]":
        job = _Job(messages, Future())
        self._waiting.put(job)
        return job.done

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            jobs = [first, *self._all_that_wait()]
            failed = self._done([message for job in jobs for message in job.messages])
            if failed is not None:
                jobs += self._all_that_wait()
            self._known_s = time.monotonic()
            for job in jobs:
                if job.done.set_running_or_notify_cancel():  # not if a stop has ended the request
                    job.done.set_result(failed)
        self._sender.close()

    def _done(self, messages: list[Keyed]) -> NotSafe | None:
        try:
            failed = self._sender.send(messages) if messages else self._sender.look()
        except SettingsError as error:  # what a new client reads is gone: a certificate, a password
            failed = NotSafe(str(error), by_person=True)
        problem = failed.problem if failed else ""
        if messages:
            self._unsafe, self._unseen = problem, ""
        else:
            self._unseen = problem
        return failed

    def _all_that_wait(self) -> list[_Job]:
        found: list[_Job] = []
        try:
            while (job := self._waiting.get_nowait()) is not None:
                found.append(job)
            self._waiting.put(None)  # the end, for who waits next
        except Empty:
            pass
        return found
