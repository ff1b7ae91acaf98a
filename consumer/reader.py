"""The rows waiting in the log for the server: read a little ahead, returned batch by batch."""

import logging
from collections.abc import Callable, Container
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from common.errors import RowRefused
from common.logging_setup import quoted
from consumer import batch, not_rows
from consumer.batch import OutgoingBatch, SendSchedule, Waiting
from consumer.forecasts import ForecastFile
from log import mark
from log.roles import Group, Log

POLL_ROWS = 500  # rows read ahead; a batch of one site has ten to a few hundred
# Lines that are not sent, which only the next batch commits: a commit between batches is a gap to whoever reads marks.
MOST_SKIPPED = 1000

_log = logging.getLogger(__name__)


class Upcoming:
    """Makes batches of the group's rows. At most one batch and one poll are in memory, however much waits."""

    def __init__(
        self, data: Path, site: str, log: Log, group: Group, schedule: SendSchedule, *, not_sent: Container[str]
    ) -> None:
        """`not_sent`: names of zones whose rows stay here."""
        self._data = data
        self._site = site
        self._log = log
        self._group = group
        self._schedule = schedule
        self._not_sent = not_sent
        self._forecasts = ForecastFile(data)
        self._rows: list[Waiting] = []
        self.unparsed = 0

    def parcel(self, now: datetime) -> OutgoingBatch | None:
        """The next batch, if one is due. It stays the same until `taken` is called."""
        published = mark.load(self._data)  # before the log is read, so the rows that it covers are seen
        closed_through = published.closed_through if published and published.log_id == self._log.log_id else None
        count = batch.take(self._rows, self._schedule, now)
        while count == len(self._rows) and self._poll():
            count = batch.take(self._rows, self._schedule, now)
        if count == 0:
            return None
        rows = list(takewhile(self._named_like(self._rows[0]), self._rows[:count]))
        count = len(rows)
        if count == len(self._rows) and not batch.complete(rows[0].minute, self._schedule, now, closed_through):
            return None
        if any(row.on_the_hour for row in rows):
            self._forecasts.refresh()
        if batch.awaits_forecast(rows, self._forecasts, self._schedule, now):
            return None
        return batch.parcel(self._site, self._log.id_of(rows[0].offset), rows, self._forecasts)

    def _named_like(self, first: Waiting) -> Callable[[Waiting], bool]:
        """Whether a row is of the same log: one batch has one id."""
        log_id = self._log.id_of(first.offset)
        return lambda row: self._log.id_of(row.offset) == log_id

    def taken(self, parcel: OutgoingBatch) -> None:
        """The batch is frozen: remove its rows."""
        del self._rows[: len(parcel.lines)]

    def restart(self, offset: int) -> None:
        """Drop the rows read ahead, and read from `offset` next."""
        self._rows.clear()
        self._group.seek(offset)

    def _poll(self) -> bool:
        """Read more rows; False at the end of the log. Payloads that are not rows are set aside."""
        records = self._group.poll(POLL_ROWS)
        for record in records:
            try:
                row = batch.waiting(record)
            except RowRefused as refused:
                self.unparsed += 1
                if not_rows.set_aside(self._data, self._log.log_id, record, refused.reason):
                    _log.warning("not_a_row offset=%d reason=%s", record.offset, quoted(refused.reason))
                continue
            if row.sensor not in self._not_sent:
                self._rows.append(row)
        if not self._rows and self._group.position - self._group.committed >= MOST_SKIPPED:
            self._group.commit(self._group.position)
        return bool(records)
