"""Rows on their way to the log: held in memory while it cannot take them; if memory is full the oldest are dropped.

The mark covers only rows in the log, never held rows.
"""

import contextlib
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from common.errors import LogError, NotDurable, RowRefused
from common.logging_setup import quoted
from common.row import MOST_SENSORS, Row, format_payload, parse_payload
from log import mark as marks
from log.mark import Mark
from log.roles import Log

APPEND_ROWS = 10_000  # rows per append: a megabyte, a few milliseconds
KEEP_ROWS = 10_000  # waiting rows stored for the next start: they fit into a part of the reserve
REMEMBER_MIN = 7 * 1440  # sensors silent for a week are removed from the mark; `closed_through` stays


class PendingRows:
    """Rows in order, appended as soon as the log accepts them. `dropped` counts rows that did not fit in memory."""

    def __init__(self, log: Log, data: Path, zone: ZoneInfo, most_rows: int, mark: Mark) -> None:
        self.appended = 0
        self.dropped = 0
        self.problem = ""
        self.mark = mark
        self._log = log
        self._data = data
        self._zone = zone
        self._most_rows = most_rows
        self._rows: deque[Row] = deque()
        self._mark_due = True
        self._failed = False

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows, newest last."""
        self._rows.extend(rows)
        too_many = len(self._rows) - self._most_rows
        for _ in range(too_many):
            self._rows.popleft()
        self.dropped += max(too_many, 0)

    def forget_future(self, last: int) -> None:
        """A wrong clock made the rows after minute `last`: those that wait are dropped, and nothing after it closed."""
        true = [row for row in self._rows if row.minute <= last]
        self.dropped += len(self._rows) - len(true)
        self._rows = deque(true)
        sensors = {sensor: min(minute, last) for sensor, minute in self.mark.sensors.items()}
        self.mark, self._mark_due = replace(self.mark, sensors=sensors), True

    def to_state(self) -> list[str]:
        """The oldest waiting rows as text, for the next start."""
        return [format_payload(row, self._zone) for row in itertools.islice(self._rows, KEEP_ROWS)]

    def restore(self, payloads: Iterable[str], published_through: int = 0) -> dict[str, int]:
        """Restore the rows of `to_state` that the log does not have; returns the minute of each sensor's newest one.

        `published_through`: `closed_through` of the mark on disk. It was written when no row up to that minute was
        waiting, and may no longer contain the sensors of some of them.
        """
        rows = []
        for payload in payloads:
            try:
                row = parse_payload(payload)
            except RowRefused:
                continue  # damaged
            if row.minute > self.mark.sensors.get(row.sensor, published_through):
                rows.append(row)
        self.add(rows)
        newest: dict[str, int] = {}
        for row in rows:
            newest[row.sensor] = max(row.minute, newest.get(row.sensor, 0))
        return newest

    @property
    def waiting(self) -> bool:
        """Whether rows, or their mark, are not written yet."""
        return bool(self._rows) or self._failed

    def flush(self, closed_through: int) -> bool:
        """Append all held rows and publish the mark; False (and `problem`) if some must wait longer."""
        said, self.problem, self._failed = self.problem, "", False
        try:
            while self._rows:
                self._append([self._rows[place] for place in range(min(len(self._rows), APPEND_ROWS))])
            self._publish(closed_through)
        except (LogError, OSError) as error:
            self._failed = True
            what = "rows wait in memory" if self._rows else "the rows are safe, their mark is not written yet"
            self.problem = f"{what}: {error}"
            if self.problem != said:
                logging.getLogger(__name__).warning("rows_held count=%d problem=%s", len(self._rows), quoted(error))
            self._publish_before_held()
        return not self._rows

    def _append(self, rows: Sequence[Row]) -> None:
        end_offset = self.mark.end_offset
        try:
            self._log.append([format_payload(row, self._zone) for row in rows])
            end_offset = self._log.end_offset
        except NotDurable as error:  # they are in the log; the next append confirms them first
            self.problem = str(error)
        for _ in rows:
            self._rows.popleft()
        self.appended += len(rows)
        sensors = {row.sensor: row.minute for row in rows}
        self.mark = Mark(rows[-1].minute - 1, end_offset, self._log.log_id, self.mark.sensors | sensors)
        self._mark_due = True

    def _publish(self, closed_through: int) -> None:
        if not self._mark_due and closed_through == self.mark.closed_through:
            return
        sensors = {name: minute for name, minute in self.mark.sensors.items() if minute > closed_through - REMEMBER_MIN}
        if len(sensors) > MOST_SENSORS:  # invented ids: keep those that sent last
            sensors = {name: sensors[name] for name in heapq.nlargest(MOST_SENSORS, sensors, key=sensors.__getitem__)}
        mark = Mark(closed_through, self.mark.end_offset, self._log.log_id, sensors)
        marks.store(self._data, mark)
        self.mark, self._mark_due = mark, False

    def _publish_before_held(self) -> None:
        """Publish the mark of the rows before the waiting ones: a reset can then remove those and free disk space."""
        if self._rows and self._mark_due:
            with contextlib.suppress(LogError, OSError):
                self._publish(min(self.mark.closed_through, min(row.minute for row in self._rows) - 1))
