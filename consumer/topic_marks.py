"""How far a topic's messages are stored, in the database: read and moved in the transaction that stores them.

Whoever moves a partition's mark holds its row's lock and has begun where the mark was. So of two processes that both
take a partition for theirs, only one stores.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from common.database import statement
from consumer.topic_progress import Behind

EXPIRED, ANEW, CUT, STRANGE = "topic-expired", "topic-anew", "topic-cut", "topic-strange"
CODES = (EXPIRED, ANEW, CUT, STRANGE)
SHOWN_DAYS = 7  # how long people are told of a trouble

_LOCK = """
    SELECT partition, next FROM KAFKA_MARK_TB
    WHERE topic_id = %s AND partition = ANY(%s) ORDER BY partition FOR UPDATE
"""
_MAKE = "INSERT INTO KAFKA_MARK_TB (topic_id, partition, topic, next) VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING"
_MOVE = "UPDATE KAFKA_MARK_TB SET next = %s WHERE topic_id = %s AND partition = %s"
_OTHER = "SELECT 1 FROM KAFKA_MARK_TB WHERE topic = %s AND topic_id <> %s AND partition = %s LIMIT 1"
_RECENT = """
    SELECT code, sum(messages)::bigint FROM KAFKA_TROUBLE_TB
    WHERE topic = %s AND latest > now() - %s * interval '1 day' GROUP BY code
"""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, and what the cluster calls it: made anew, it gets another id."""

    name: str
    id: str


def begin(cursor: Cursor[Any], topic: Topic, partition: int, watermarks: Callable[[], tuple[int, int]]) -> int:
    """The first offset that is not stored and that the cluster has; what is amiss is noted.

    Args:
        watermarks: gives the cluster's first and next offset. Asked under the lock, so nobody moves the mark meanwhile.
    """
    is_new = cursor.execute(_MAKE, (topic.id, partition, topic.name)).rowcount == 1
    mark = held(cursor, topic, [partition])[partition]
    low, high = watermarks()
    if is_new and cursor.execute(_OTHER, (topic.name, topic.id, partition)).fetchone():
        note(cursor, topic, partition, ANEW, 1)
    if mark < low:
        note(cursor, topic, partition, EXPIRED, low - mark)
    if mark > high:  # the cluster has lost messages: what it has now may be others
        note(cursor, topic, partition, CUT, mark - high)
    if not low <= mark <= high:
        move(cursor, topic, {partition: low})
        return low
    return mark


def held(cursor: Cursor[Any], topic: Topic, partitions: list[int]) -> dict[int, int]:
    """The marks of these partitions, locked until the transaction ends."""
    return dict(cursor.execute(_LOCK, (topic.id, partitions)).fetchall())


def move(cursor: Cursor[Any], topic: Topic, marks: Mapping[int, int]) -> None:
    """Move marks whose locks are held."""
    cursor.executemany(_MOVE, [(offset, topic.id, partition) for partition, offset in marks.items()])


def seen(cursor: Cursor[Any], topic: Topic, behind: Mapping[int, Behind]) -> None:
    """Say how far behind these partitions are."""
    values = [
        {"topic_id": topic.id, "partition": partition, "lag": each.messages, "behind": each.seconds}
        for partition, each in sorted(behind.items())
    ]
    cursor.executemany(statement("topic_seen").encode(), values)


def note(cursor: Cursor[Any], topic: Topic, partition: int, code: str, messages: int) -> None:
    """Count messages that something went wrong with; of a topic made anew, its partitions."""
    values = {"topic_id": topic.id, "topic": topic.name, "partition": partition, "code": code, "messages": messages}
    cursor.execute(statement("topic_trouble").encode(), values)


def recent(cursor: Cursor[Any], topic: str) -> dict[str, int]:
    """The messages of each trouble of the last days; 0: there is none."""
    return dict.fromkeys(CODES, 0) | dict(cursor.execute(_RECENT, (topic, SHOWN_DAYS)).fetchall())
