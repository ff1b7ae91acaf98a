"""The group "archive" of a center: stores the rows of all sites' topic in the database, on as many machines as wanted.

The rows of a poll and how far each partition has come are one transaction. Killed before it ends, the process reads the
same messages again; after it, the next ones.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message
from psycopg import Cursor

from common import database, site_marks
from common.database import Database, statement
from common.errors import DatabaseDown, HydrologError, RowRefused
from common.kafka_rows import SiteMark, SiteRow, parse_message
from common.logging_setup import quoted
from common.runner import Context
from consumer import not_rows, topic_marks, topic_rows
from consumer.archive import GROUP
from consumer.topic_marks import Topic
from consumer.topic_member import TopicMember
from consumer.topic_rows import Name
from log.format import Record

POLL_ROWS = 2000  # one transaction: large enough to catch up quickly, small enough to be cheap
WORK_S = 5.0  # real seconds of work per step, so health is published while a backlog is processed
LOOK_S = 15.0  # real seconds between two looks at how far behind we are, and at what went wrong anywhere
SLICE_ROWS = 10_000  # old rows deleted at once: a few tenths of a second

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sorted:
    """The messages of a poll: rows by name with the messages that brought them, marks, others with the reason; when
    each site's newest one came, and how far they go."""

    rows: dict[Name, tuple[SiteRow, Message]] = field(default_factory=dict)
    marks: list[SiteMark] = field(default_factory=list)
    heard: dict[str, datetime | None] = field(default_factory=dict)
    repeated: int = 0
    strange: list[tuple[Message, str]] = field(default_factory=list)
    reached: dict[int, int] = field(default_factory=dict)


class TopicArchive:
    """See `common.runner.Worker`."""

    def __init__(self, context: Context) -> None:
        """Nothing is reached yet.

        Raises:
            SettingsError: the cluster's client does not take the settings.
        """
        self._context = context
        self._database = Database(context.settings, "archive")
        self._member = TopicMember(context.settings, GROUP)
        self._counts: Counter[str] = Counter(archived=0, repeated=0, not_rows=0)
        self._troubles: dict[str, int] = {}
        self._look_s = 0.0  # monotonic: when to look at them again
        self._cleaned: date | None = None

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Store what waits, or as much as a few seconds allow.

        Raises:
            DatabaseDown: what was read last is not stored; it is kept and tried again.
            LogError: the cluster gives no messages.
        """
        give_back_s = time.monotonic() + WORK_S
        try:
            while not self._context.stop.is_set() and (messages := self._member.poll(POLL_ROWS, self._begin)):
                self._store(messages)
                if time.monotonic() >= give_back_s:
                    break
            self._look_around()
            self._clean_up(now)
        except psycopg.Error as error:
            database.note("rows_not_stored", error)
            down = DatabaseDown(f"the database refuses the rows ({type(error).__name__}); see this process's log")
            down.counters = self._counters()
            raise down from error
        except HydrologError as error:
            error.counters = self._counters()
            raise
        return self._counters()

    def close(self) -> None:
        self._member.close()
        self._database.close()

    def _begin(self, partition: int) -> int:
        self._look_s = 0.0
        with self._database.transaction() as cursor:
            return topic_marks.begin(cursor, self._topic(), partition, lambda: self._member.watermarks(partition))

    def _store(self, messages: Sequence[Message]) -> None:
        topic, begun = self._topic(), self._member.next
        with self._database.transaction() as cursor:
            held = topic_marks.held(cursor, topic, sorted(begun))
            found = sort(each for each in messages if begun[place(each)] == held.get(place(each)))
            new, refused = topic_rows.store(cursor, [row for row, _ in found.rows.values()])
            strange = found.strange + [(found.rows[name][1], reason) for name, reason in refused.items()]
            self._set_aside(cursor, strange)
            site_marks.store(cursor, found.heard, found.marks)
            topic_marks.move(cursor, topic, found.reached)
        self._member.stored(found.reached)
        self._counts["archived"] += new
        self._counts["repeated"] += found.repeated + len(found.rows) - new - len(refused)
        self._counts["not_rows"] += len(strange)

    def _set_aside(self, cursor: Cursor[Any], strange: Sequence[tuple[Message, str]]) -> None:
        topic = self._topic()
        if strange:
            self._look_s = 0.0
        for message, reason in strange:
            record = Record(message.offset() or 0, (message.value() or b"").decode(errors="backslashreplace"))
            if not_rows.set_aside(self._context.data, f"{topic.id}/{place(message)}", record, reason):
                where, what = place(message), quoted(reason)
                _log.warning("not_a_row partition=%d offset=%d reason=%s", where, record.offset, what)
        for partition, count in Counter(place(message) for message, _ in strange).items():
            topic_marks.note(cursor, topic, partition, topic_marks.STRANGE, count)

    def _topic(self) -> Topic:
        return Topic(self._member.topic, self._member.topic_id)

    def _counters(self) -> dict[str, Any]:
        troubles = {code.replace("-", "_"): messages for code, messages in self._troubles.items()}
        found = {**self._counts, **troubles, "partitions": len(self._member.next), "lag": self._member.lag}
        return found | ({"problem": self._member.problem} if self._member.problem else {})

    def _look_around(self) -> None:
        if time.monotonic() >= self._look_s:
            behind = self._member.behind()
            with self._database.transaction() as cursor:
                topic_marks.seen(cursor, self._topic(), behind)
                self._troubles = topic_marks.recent(cursor, self._member.topic)
            self._look_s = time.monotonic() + LOOK_S

    def _clean_up(self, now: datetime) -> None:
        """Once a day, drop rows older than a year, in several steps if there are many."""
        if self._cleaned == now.date():
            return
        with self._database.transaction() as cursor:
            dropped = cursor.execute(statement("received_drop_rows").encode(), {"rows": SLICE_ROWS}).rowcount
        if dropped < SLICE_ROWS:
            self._cleaned = now.date()


def sort(messages: Iterable[Message]) -> Sorted:
    """What the messages of a poll are."""
    found = Sorted()
    for message in messages:
        found.reached[place(message)] = (message.offset() or 0) + 1
        try:
            parsed = parse_message(message.key(), message.value())
        except RowRefused as refused:
            found.strange.append((message, refused.reason))
            continue
        found.heard[parsed.site] = came_at(message)
        if isinstance(parsed, SiteMark):
            found.marks.append(parsed)
            continue
        first, _ = found.rows.setdefault(parsed.name, (parsed, message))
        if first.row != parsed.row:
            found.strange.append((message, topic_rows.OTHER_ROW))
        elif first is not parsed:
            found.repeated += 1
    return found


def came_at(message: Message) -> datetime | None:
    """When the cluster got it; None if the topic keeps the sender's clock instead, which may be wrong."""
    kind, at_ms = message.timestamp()
    return datetime.fromtimestamp(at_ms / 1000, UTC) if kind == TIMESTAMP_LOG_APPEND_TIME else None


def place(message: Message) -> int:
    """The partition that a message came from."""
    return message.partition() or 0
