"""A member of a group: which place a partition is given before it is known where it begins."""

from types import SimpleNamespace
from typing import Any

from confluent_kafka import TopicPartition

from common.settings import load
from consumer.topic_member import GATHER_S, POLL_S, TopicMember, _gathered


def test_no_partition_waits_at_a_place_that_the_client_has_to_ask_for() -> None:
    """The answer could come after the partition has begun, and move it to the end: past rows that nobody has read."""
    member = TopicMember(load(None, {"HYDROLOG_LOG__URL": "kafka://127.0.0.1:1/rows"}), "archive")
    told: list[tuple[str, list[TopicPartition]]] = []
    consumer: Any = SimpleNamespace(
        incremental_assign=lambda places: told.append(("assign", places)),
        pause=lambda places: told.append(("pause", places)),
    )
    member._on_assign(consumer, [TopicPartition("rows", number) for number in (0, 3)])
    assert [word for word, _ in told] == ["assign", "pause"]
    assert all(place.offset >= 0 for _, places in told for place in places)
    assert member._arrived == {0, 3}


class FakeConsumer:
    """Messages that are there, by the seconds since the poll began at which they come."""

    def __init__(self, *comes_s: float) -> None:
        self._comes_s, self.waited_s = list(comes_s), 0.0

    def consume(self, most: int, wait_s: float) -> list[Any]:
        """As the library does: wait until so many are there, or the time is over."""
        over_s = self.waited_s + wait_s
        in_time = [each for each in self._comes_s if each <= over_s][:most]
        self._comes_s = self._comes_s[len(in_time) :]
        self.waited_s = max([self.waited_s, *in_time]) if len(in_time) == most else over_s
        return list(in_time)


def test_a_poll_takes_what_comes_together_and_waits_for_no_more() -> None:
    there: Any = FakeConsumer(0.0, 0.0, GATHER_S / 2, POLL_S, 9.0)
    assert len(_gathered(there, 5000)) == 3
    assert there.waited_s <= GATHER_S
    none: Any = FakeConsumer()
    assert _gathered(none, 5000) == []
    assert none.waited_s == POLL_S
    many: Any = FakeConsumer(*[0.0] * 6000)
    assert (len(_gathered(many, 5000)), many.waited_s) == (5000, 0.0)
