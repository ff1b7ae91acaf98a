"""A consumer group on the file: it polls rows in order and commits those that are safe elsewhere.

Returned rows are on disk: the producer's mark says so, or the poll syncs. Damaged lines are read again under the lock,
set aside once, and skipped: their offsets are gaps, and a gap never stops the group.
"""

import logging
import os

from common.errors import LogError
from common.logging_setup import quoted
from log import mark
from log.commits import CommitFile
from log.format import LONGEST_LINE, Record, parse_line, parse_lines
from log.segment import CHUNK_BYTES, SHORT_TAIL_BYTES, LogFile, LogLine
from log.state import LogState

ROW_BYTES = 128  # about the size of a row, to estimate how much to read

_log = logging.getLogger(__name__)


class FileGroup:
    """See `log.roles.Group`."""

    def __init__(self, state: LogState, commit: CommitFile) -> None:
        self._state = state
        self._commit = commit
        self._position = commit.offset
        self._handed_out_to = commit.offset  # the offset after the last row that a poll returned
        self._file: LogFile | None = None
        self._byte = 0  # in that file: where the row at `position` starts
        self._synced = 0  # bytes of that file known to be on disk
        self._sync_failed = False
        self.damaged = 0  # lines set aside by this group

    @property
    def position(self) -> int:
        return self._position

    @property
    def committed(self) -> int:
        return self._commit.offset

    @property
    def lag(self) -> int:
        return max(0, self._state.end_offset - self._commit.offset)

    def seek(self, offset: int) -> None:
        """Poll from `offset` next; an offset beyond the end means the end."""
        offset = min(offset, self._state.end_offset)
        self._position = self._handed_out_to = offset
        self._file = None

    def poll(self, max_records: int) -> list[Record]:
        """The next rows, at most `max_records`, already on disk. Empty if there are none: it never waits.

        Raises:
            LogError: the file cannot be read, or the disk does not confirm the rows; no row is returned.
        """
        if max_records < 1:
            return []
        with self._state.os_errors("read the log"):
            end = self._state.refresh()
            file = self._follow(end)
            self._sync(file, end)
            records, position, byte = self._read(file, max_records, end)
            # Only now, so rows of a failed poll are returned by the next one.
            self._position, self._byte = position, byte
            if records:
                self._handed_out_to = position
            elif byte >= end:
                self._step_over_holes(self._state.next)
        return records

    def _step_over_holes(self, next_offset: int) -> None:
        """Consume unused offsets after the last row together with it."""
        self._position = max(self._position, next_offset)
        if self._position > self._commit.offset >= self._handed_out_to:
            self._commit.write(self._position)

    def commit(self, offset: int) -> None:
        """All rows before `offset` are safe elsewhere; durable on return. A commit never moves back.

        Raises:
            LogError: `offset` is beyond the returned rows, or the disk refuses.
        """
        if offset > self._position and offset > self._state.end_offset:
            raise LogError(f"commit of offset {offset}, but the log ends at {self._state.end_offset}")
        if offset >= self._handed_out_to:
            offset = max(offset, self._position)  # the gaps after the last row are consumed with it
        if offset > self._commit.offset:
            with self._state.os_errors("commit"):
                self._commit.write(offset)

    def close(self) -> None:
        self._commit.close()

    def _follow(self, end: int) -> LogFile:
        """Open the file now at the path and find the row at our position."""
        current = self._state.file
        if self._file is current:
            return current
        base = self._state.header.base
        if self._position < base:
            _log.warning("rows_gone group wants offset=%d, log begins at %d", self._position, base)
            self._position = base
        self._byte = current.seek(self._position, end)
        self._synced, self._sync_failed = 0, False
        self._file = current
        return current

    def _sync(self, file: LogFile, end: int) -> None:
        """Sync: a row may be readable before it is on disk, but is returned only afterwards."""
        if end <= self._synced:
            return
        if not self._sync_failed and self._is_marked():
            self._synced = end
            return
        try:
            if self._sync_failed:
                self._state.write_again(file, self._synced, end)
            file.sync()
        except OSError as error:
            self._sync_failed = True
            raise LogError(f"the disk does not confirm the rows: {quoted(error)}") from error
        self._sync_failed = False
        self._synced = end

    def _is_marked(self) -> bool:
        """Whether the mark covers all rows that are readable now: it is written after their sync."""
        known = mark.load(self._state.data)
        return known is not None and known.log_id == self._state.log_id and known.end_offset >= self._state.next

    def _read(self, file: LogFile, max_records: int, end: int) -> tuple[list[Record], int, int]:
        """The rows from our position on, and the offset and the byte after them."""
        chunk_bytes = min(CHUNK_BYTES, max(SHORT_TAIL_BYTES, max_records * ROW_BYTES))
        whole = self._read_at_once(file, max_records, min(chunk_bytes, end - self._byte))
        return whole or self._read_by_line(file, max_records, end, chunk_bytes)

    def _read_at_once(self, file: LogFile, max_records: int, size: int) -> tuple[list[Record], int, int] | None:
        """Like `_read`, for the usual case of undamaged rows with consecutive offsets; otherwise None."""
        if size <= 0:
            return None
        chunk = os.pread(file.descriptor, size, self._byte)
        lines = chunk.split(b"\n", max_records)
        data = chunk[: len(chunk) - len(lines.pop())]
        if not data or (records := parse_lines(data, self._position)) is None:
            return None
        return records, self._position + len(records), self._byte + len(data)

    def _read_by_line(
        self, file: LogFile, max_records: int, end: int, chunk_bytes: int
    ) -> tuple[list[Record], int, int]:
        position, byte = self._position, self._byte
        records: list[Record] = []
        for line in file.lines(byte, end, chunk_bytes):
            record = line.record or self._judged_again(file, line, position)
            byte = line.end
            if record is None or record.offset < position:
                continue
            records.append(record)
            position = record.offset + 1
            if len(records) == max_records:
                break
        return records, position, byte

    def _judged_again(self, file: LogFile, line: LogLine, position: int) -> Record | None:
        """Read a line that looks damaged again under the lock."""
        with self._state.lock.held():
            raw = os.pread(file.descriptor, min(line.end - line.start, LONGEST_LINE), line.start).removesuffix(b"\n")
            if (record := parse_line(raw)) is not None:
                return record
            if self._state.set_aside("line", raw, position - 1):
                self.damaged += 1
                _log.warning("line_damaged after_offset=%d line=%s", position - 1, quoted(raw))
        return None
