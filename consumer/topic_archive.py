"""The group "archive" of a center: stores the rows of all sites' topic in the database, on as many machines as wanted.

The rows of a poll and how far each partition has come are one transaction. Killed before it ends, the process reads the
same messages again; after it, the next ones.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message
from psycopg import Cursor

from common import arrived_rows, database, retention, site_marks
from common.database import Database
from common.errors import DatabaseDown, HydrologError
from common.kafka_rows import sift
from common.logging_setup import quoted
from common.runner import Context
from consumer import not_rows, topic_marks
from consumer.archive import GROUP
from consumer.not_rows import NotRow
from consumer.topic_marks import Topic
from consumer.topic_member import TopicMember
from log.format import Record

POLL_ROWS = 5000  # one transaction, of a tenth of a second: what it costs beside its rows is little then
WORK_S = 5.0  # real seconds of work per step, so health is published while a backlog is processed
LOOK_S = 15.0  # real seconds between two looks at how far behind we are, and at what went wrong anywhere
MOST_SAID = 10  # messages of a poll that are no rows, in the process's log; the file has them all

_log = logging.getLogger(__name__)


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
        self._counts: Counter[str] = Counter(archived=0, repeated=0, second=0, not_rows=0)
        self._troubles: dict[str, int] = {}
        self._look_s = 0.0  # monotonic: when to look at them again
        self._cleaning = retention.Cleaning()

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
            self._cleaning.step(self._database.transaction, now)
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
            if begun != held:  # another process stores some of them
                messages = [each for each in messages if begun[place(each)] == held.get(place(each))]
            keys = [each.key() for each in messages]
            values = [each.value() or b"" for each in messages]
            found = sift(keys, values)
            stored = arrived_rows.store(cursor, [values[number] for number in found.rows])
            strange = found.strange | {found.rows[number]: reason for number, reason in stored.refused.items()}
            self._set_aside(cursor, [(messages[number], reason) for number, reason in sorted(strange.items())])
            said = [number for number in range(len(messages)) if number not in found.strange]
            newest = {keys[number]: messages[number] for number in said}
            self._note_second(cursor, stored.second, newest)
            heard = {(site or b"").decode(): came_at(message) for site, message in newest.items()}
            site_marks.store(cursor, heard, list(found.marks.values()))
            last = {place(each): each for each in messages}
            reached = {partition: (each.offset() or 0) + 1 for partition, each in last.items()}
            topic_marks.move(cursor, topic, reached)
        self._member.stored(reached)
        second = stored.second.total()
        self._counts["archived"] += stored.new
        self._counts["second"] += second
        self._counts["repeated"] += len(found.rows) - stored.new - second - len(stored.refused)
        self._counts["not_rows"] += len(strange)

    def _set_aside(self, cursor: Cursor[Any], strange: Sequence[tuple[Message, str]]) -> None:
        if not strange:
            return
        topic, self._look_s = self._topic(), 0.0
        found = [
            NotRow(
                f"{topic.id}/{place(message)}",
                Record(message.offset() or 0, (message.value() or b"").decode(errors="backslashreplace")),
                reason,
            )
            for message, reason in strange
        ]
        for each in not_rows.set_all_aside(self._context.data, found)[:MOST_SAID]:
            where, offset = each.log_id.rpartition("/")[2], each.record.offset
            _log.warning("not_a_row partition=%s offset=%d reason=%s", where, offset, quoted(each.reason))
        for partition, count in Counter(place(message) for message, _ in strange).items():
            topic_marks.note(cursor, topic, partition, topic_marks.STRANGE, count)

    def _note_second(self, cursor: Cursor[Any], second: Mapping[str, int], newest: Mapping[Any, Message]) -> None:
        """Tell of rows whose minute has another row."""
        for site, rows in second.items():
            self._look_s = 0.0
            message = newest[site.encode()]
            _log.warning("second_rows site=%s rows=%d partition=%d", quoted(site), rows, place(message))
            topic_marks.note(cursor, self._topic(), place(message), topic_marks.STRANGE, rows)

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


def came_at(message: Message) -> datetime | None:
    """When the cluster got it; None if the topic keeps the sender's clock instead, which may be wrong."""
    kind, at_ms = message.timestamp()
    return datetime.fromtimestamp(at_ms / 1000, UTC) if kind == TIMESTAMP_LOG_APPEND_TIME else None


def place(message: Message) -> int:
    """The partition that a message came from."""
    return message.partition() or 0
