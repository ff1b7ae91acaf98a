"""Each batch in front of a cluster is answered by itself: what waits for one partition holds up no other."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from common import kafka_producer
from common.settings import load
from server.batch import NotKept, parse_key
from server.cluster import InCluster

AWAY, THERE = b"site-0", b"site-1"  # sites of partition 0, whose leader is away, and of partition 1
DEADLINE_S = 60.0


class FakeClient:
    """The library's client on two partitions."""

    def __init__(self, _settings: object) -> None:
        self.waiting: list[Callable[[KafkaError | None], None]] = []  # messages for partition 0
        self._reports: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def produce(self, _topic: str, _value: bytes, key: bytes, on_delivery: Callable[[Any, Any], None]) -> None:
        message = SimpleNamespace(partition=lambda: int(key[-1:]))

        def report(error: KafkaError | None) -> None:
            self._reports.put(lambda: on_delivery(error, message))

        if key == AWAY:
            self.waiting.append(report)
        else:
            report(None)

    def tell(self, error: KafkaError | None) -> None:
        """What becomes of the messages for partition 0."""
        waiting, self.waiting = self.waiting, []
        for report in waiting:
            report(error)

    def poll(self, most_s: float) -> None:
        with contextlib.suppress(Empty):
            self._reports.get(timeout=most_s)()

    def list_topics(self, topic: str, _timeout_s: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None)})

    def purge(self) -> None:
        pass

    def __len__(self) -> int:
        return len(self.waiting)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[InCluster]:
    monkeypatch.setattr(kafka_producer, "Producer", FakeClient)
    made = InCluster(load(None, {"HYDROLOG_LOG__URL": "kafka://a.example:9092/rows"}))
    made.step()
    yield made
    made.close()


def test_batches_of_other_partitions_are_answered_while_a_leader_is_away(cluster: InCluster) -> None:
    client: Any = cluster._producer._producer

    def keep(site: bytes) -> "asyncio.Task[Any]":
        key = parse_key(f"{site.decode()}/log/0-1")
        return asyncio.create_task(cluster.keep(key, [b"0\t...", b"1\t..."], None))

    async def scene() -> None:
        first = keep(AWAY)
        assert (await keep(THERE)).stored == 2
        assert (cluster.problem, first.done()) == ("", False)
        client.tell(KafkaError(KafkaError._MSG_TIMED_OUT))
        with pytest.raises(NotKept, match="has not confirmed all rows"):
            await first
        assert "does not take rows" in cluster.problem
        assert cluster.taking
        trying, producer = keep(AWAY), cluster._producer
        with pytest.raises(NotKept, match="nothing of this batch is sent"):
            await keep(AWAY)
        assert (await keep(THERE)).stored == 2
        assert not trying.done()
        cluster.step()
        assert cluster._producer is producer  # a partition that is late is no reason for a new client
        client.tell(None)
        assert (await trying).stored == 2
        assert (cluster.problem, cluster.taking) == ("", True)

    asyncio.run(asyncio.wait_for(scene(), DEADLINE_S))


def test_nothing_is_taken_when_no_partition_takes_anything(cluster: InCluster) -> None:
    client: Any = cluster._producer._producer

    async def scene() -> None:
        waiting = asyncio.create_task(cluster.keep(parse_key("site-0/log/0-0"), [b"0\t..."], None))
        await asyncio.sleep(0)  # it has begun
        client.tell(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        with pytest.raises(NotKept):
            await waiting

    asyncio.run(asyncio.wait_for(scene(), DEADLINE_S))
    assert not cluster.taking


def test_a_server_that_is_started_again_hears_its_cluster(cluster: InCluster) -> None:
    client: Any = cluster._producer._producer

    async def left_alone() -> None:
        asyncio.create_task(cluster.keep(parse_key("site-0/log/0-0"), [b"0\t..."], None))  # noqa: RUF006 - it is left
        await asyncio.sleep(0)

    async def asked_again() -> None:
        waiting = asyncio.create_task(cluster.keep(parse_key("site-0/log/0-0"), [b"0\t..."], None))
        await asyncio.sleep(0)
        client.tell(None)
        assert (await waiting).stored == 1

    asyncio.run(left_alone())  # its loop ends while it waits
    asyncio.run(asyncio.wait_for(asked_again(), DEADLINE_S))


def test_what_the_client_says_is_heard_while_no_batch_comes(cluster: InCluster) -> None:
    client: Any = cluster._producer._producer
    client._reports.put(lambda: cluster._producer._on_error(KafkaError(KafkaError._SSL)))
    cluster.step()
    assert "TLS fails" in cluster._producer.judge([]).problem
