"""The group "server": freezes a batch, sends it until the server has it, commits. One batch at a time, oldest first.

    rows in the log -> outbox.tsv (synced) -> the carrier has them safe -> commit -> outbox gone -> log trimmed

After a kill between any two of these, the next start finds the outbox and sends the same bytes again, or finds that
they were committed. The database is not used.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.batch_mark import BatchMark
from common.errors import NotDelivered
from common.false_rows import FalseRows
from common.logging_setup import quoted
from common.runner import Context
from consumer import outbox
from consumer.answers import DeliveryOutcome, Kind
from consumer.batch import OutgoingBatch, SendSchedule, moment_of
from consumer.carrier import carrier_for
from consumer.closed import closed_before
from consumer.outbox import Frozen
from consumer.reader import Upcoming
from consumer.rejected import Rejected
from consumer.source import LogSource
from consumer.told_weather import ToldWeather
from log import mark
from log.roles import Group, Log

GROUP = "server"
SETTLE_S = 60.0  # a window without its last minutes (the line is down) is sent this long after its end
WORK_S = 5.0  # real seconds of work per step, so health is published while a backlog is processed

_log = logging.getLogger(__name__)


class Delivery:
    """See `common.runner.Worker`."""

    def __init__(self, context: Context, *, once: bool = False) -> None:
        """Check the settings; nothing is opened yet.

        Raises:
            SettingsError: no address, nothing to enter it with, or the group is not in `log.groups`.
        """
        settings = context.settings
        self._source = LogSource(settings, GROUP)
        self._false_rows = FalseRows(context.data)
        self._context = context
        self._carrier = carrier_for(settings, context.stop)
        self._weather = ToldWeather(context.data)
        settle_s = 0.0 if once else max(SETTLE_S, settings.line.lateness_seconds)
        server, spread_s = settings.server, 0 if once else settings.server.spread_seconds
        moment_s = moment_of(settings.site.id, spread_s, server.every_minutes)
        self._schedule = SendSchedule(server.every_minutes, settle_s, settings.forecast.wait_seconds, moment_s)
        self._once = once
        self._counts = {"batches_sent": 0, "rows_sent": 0, "rows_rejected": 0}
        self._last_status: int | None = None
        self._waiting_since: datetime | None = None
        self._verdict = DeliveryOutcome(Kind.DELIVERED)  # result of the last attempt
        self._failures = 0  # failures of this kind in a row
        self._not_before_s = 0.0

    _upcoming: Upcoming
    _rejected: Rejected
    _parcel: OutgoingBatch | None = None  # frozen: the rest of the outbox
    _part = 0  # rows of it in the next attempt
    _limit: int | None = None  # after a 413: the most rows of it
    _owned = True  # the parcel is next for the group, so it is committed after delivery

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Send every batch that is due.

        Raises:
            NotDelivered: the server has not accepted a batch; it is retried when due.
        """
        self._source.open(self._prepare)
        give_back_s = time.monotonic() + WORK_S
        while not self._context.stop.is_set() and (self._parcel is not None or self._freeze(now)):
            if self._context.clock.monotonic() < self._not_before_s:
                raise NotDelivered(self._verdict.problem, self._counters())
            self._drop_false(self._parcel)
            self._attempt(now)
            if time.monotonic() >= give_back_s and not self._once:
                break
        self._source.log.trim()  # also rows that only the producer's mark held back
        return self._counters()

    def close(self) -> None:
        self._carrier.close()
        self._source.close()

    # --- from the log to the outbox

    def _prepare(self, log: Log, group: Group) -> None:
        data, settings = self._context.data, self._context.settings
        self._rejected = Rejected(data)
        self._upcoming = Upcoming(data, settings.site.id, log, group, self._schedule, not_sent=settings.not_sent)
        self._resume(log, group)

    def _resume(self, log: Log, group: Group) -> None:
        """Continue with the batch frozen before the last stop, if it was not delivered."""
        frozen = outbox.load(self._context.data)
        if frozen is None:
            return
        parcel, committed = frozen.parcel, group.committed
        rest = parcel.after(committed - 1)
        # After a lost commit older rows come first; delivering the batch then does not commit them.
        self._owned = committed >= frozen.start and (parcel.log_id == log.id_of(parcel.first) or _holds(log, rest))
        if self._owned:
            if rest is None:
                outbox.remove(self._context.data)
                return
            parcel = rest
            self._upcoming.restart(rest.last + 1)
        self._take(parcel)
        _log.info("resume key=%s rows=%d", parcel.key, len(parcel.lines))

    def _freeze(self, now: datetime) -> bool:
        """Write the next batch to the outbox; False if none is due."""
        parcel = self._upcoming.parcel(now)
        if parcel is None:
            return False
        outbox.store(self._context.data, Frozen(parcel, self._source.group.committed))
        self._upcoming.taken(parcel)
        self._owned = True
        self._take(parcel)
        return True

    def _drop_false(self, parcel: OutgoingBatch | None) -> None:
        """Take out the rows that a person has named as of a false time."""
        assert parcel is not None
        self._false_rows.refresh()
        if not self._false_rows.known:
            return
        has = self._false_rows.has
        lines = tuple(line for line in parcel.lines if not has(parcel.log_id, line.offset, line.minute))
        if not lines:  # the next batch that is sent commits them: else its mark would tell of a gap
            self._parcel = None
            outbox.remove(self._context.data)
        elif len(lines) < len(parcel.lines):
            self._take(replace(parcel, lines=lines))

    def _take(self, parcel: OutgoingBatch) -> None:
        self._parcel, self._part, self._limit = parcel, len(parcel.lines), None

    # --- from the outbox to the server

    def _attempt(self, now: datetime) -> None:
        """One attempt, and the action for what came of it."""
        if self._parcel is None:
            return
        part = self._parcel.head(self._part)
        verdict = self._carrier.carry(part, now, lambda: self._mark_of(part))
        if verdict.kind is not Kind.DELIVERED and verdict.answer.status is None and self._context.stop.is_set():
            return
        self._last_status = verdict.answer.status
        if verdict.kind is Kind.DELIVERED:
            self._delivered(part)
            self._weather.take(verdict.said, now)
        elif verdict.kind is Kind.HALVE:
            self._halve(part, verdict, now)
        else:
            self._wait(verdict, now)

    def _mark_of(self, part: OutgoingBatch) -> BatchMark | None:
        """What the batch says of its place; nothing after a lost commit, when older rows still come."""
        if not self._owned:
            return None
        closed = closed_before(self._source.log, mark.load(self._context.data), part.last + 1)
        return BatchMark(self._source.group.committed, closed)

    def _delivered(self, part: OutgoingBatch) -> None:
        if self._waiting_since is not None:
            _log.info("delivering_again key=%s waited_since=%s", part.key, self._waiting_since.isoformat())
        self._verdict, self._failures, self._waiting_since = DeliveryOutcome(Kind.DELIVERED), 0, None
        self._rejected.clear()
        self._advance(part)
        self._counts["batches_sent"] += 1
        self._counts["rows_sent"] += len(part.lines)

    def _halve(self, part: OutgoingBatch, verdict: DeliveryOutcome, now: datetime) -> None:
        """Find the refused row; a single one is set aside, unless the server refuses everything."""
        count, answer = len(part.lines), verdict.answer
        if count > 1:
            self._part = (count + 1) // 2
            if answer.status == 413:
                self._limit = self._part
            return
        if objection := self._rejected.objection():
            problem = f"{objection}, so none is set aside; {verdict.problem}"
            self._wait(DeliveryOutcome(Kind.SLOW, problem, verdict.after_s), now)
        self._rejected.put(part, answer, now)
        self._counts["rows_rejected"] += 1
        _log.warning("row_rejected key=%s status=%s answer=%s", part.key, answer.status, quoted(answer.body))
        self._advance(part)

    def _advance(self, part: OutgoingBatch) -> None:
        """The first rows of the parcel are safe at the server."""
        assert self._parcel is not None
        if self._owned:
            self._source.group.commit(part.last + 1)
        self._parcel = self._parcel.after(part.last)
        if self._parcel is not None:
            self._part = min(self._limit or len(self._parcel.lines), len(self._parcel.lines))
            return
        outbox.remove(self._context.data)
        self._source.log.trim()

    def _wait(self, verdict: DeliveryOutcome, now: datetime) -> None:
        self._failures = self._failures + 1 if verdict.kind is self._verdict.kind else 1
        self._verdict = verdict
        self._waiting_since = self._waiting_since or now
        self._not_before_s = self._context.clock.monotonic() + verdict.wait_s(self._failures)
        raise NotDelivered(verdict.problem, self._counters())

    # --- what is published

    def _counters(self) -> dict[str, Any]:
        return {
            **self._counts,
            "refused_in_a_row": self._rejected.in_a_row,
            "rejected_kept": self._rejected.kept,
            "not_rows": self._upcoming.unparsed,
            "false_time": self._false_rows.skipped,
            "lag": self._source.group.lag,
            "last_status": self._last_status,
            "waiting_since": self._waiting_since.isoformat() if self._waiting_since else None,
        }


def _holds(log: Log, parcel: OutgoingBatch | None) -> bool:
    """Whether a log with a new id holds these same rows: sent under the old id, they are not sent again."""
    if parcel is None:
        return False
    here = dict(log.read(parcel.first, parcel.last - parcel.first + 1))
    return all(line.text.startswith(f"{line.offset}\t{here.get(line.offset)}\t") for line in parcel.lines)
