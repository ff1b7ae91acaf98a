"""A member of a group: which place a partition is given before it is known where it begins."""

from types import SimpleNamespace
from typing import Any

from confluent_kafka import TopicPartition

from common.settings import load
from consumer.topic_member import TopicMember


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
