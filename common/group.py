"""A consumer group on the file: it polls rows in order, and commits what is safe elsewhere.

Rows that are handed out are on disk. Damaged lines are judged again under the lock, set aside once, and stepped over:
their offsets are holes, and a hole never holds the group up.
"""

import logging
import os
from typing import TYPE_CHECKING

from common import badlines
from common.commits import CommitFile
from common.errors import LogError
from common.lines import LONGEST_LINE, Record, parse_line
from common.logfile import CHUNK_BYTES, SHORT_TAIL_BYTES, Line, LogFile
from common.logs import quoted

if TYPE_CHECKING:
    from common.filelog import FileLog

ROW_BYTES = 128  # about one row: how much to read for so many

_log = logging.getLogger(__name__)


class FileGroup:
    """See `common.log.Group`."""

    def __init__(self, log: "FileLog", commit: CommitFile) -> None:
        self._log = log
        self._commit = commit
        self._position = commit.offset
        self._handed_out_to = commit.offset  # after the last row that a poll gave away
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
        return max(0, self._log.end_offset - self._commit.offset)

    def seek(self, offset: int) -> None:
        self._position = self._handed_out_to = offset
        self._file = None

    def poll(self, max_records: int) -> list[Record]:
        """The next rows, at most `max_records`; they are on disk. Empty when there are none: it never waits.

        Raises:
            LogError: the file cannot be read, or the disk does not confirm the rows; nothing is handed out.
        """
        try:
            end = self._log.refresh()
            self._follow(end)
            assert self._file is not None
            self._sync(end)
            records = self._read(max_records, end)
        except OSError as error:
            raise LogError(f"cannot read the log: {error.strerror}") from error
        if records:
            self._handed_out_to = records[-1].offset + 1
        if self._byte >= end:
            # Behind the last row there may be offsets that no row has: they are consumed with it.
            self._position = max(self._position, self._log.end_offset) if not records else self._position
        if not records and self._commit.offset >= self._handed_out_to and self._position > self._commit.offset:
            self._commit.write(self._position)
        return records

    def commit(self, offset: int) -> None:
        """All rows before `offset` are safe elsewhere; durable on return. A commit never moves back.

        Raises:
            LogError: beyond the rows that were handed out, or the disk refuses.
        """
        if offset > max(self._position, self._log.end_offset):
            raise LogError(f"commit of offset {offset}, but the log ends at {self._log.end_offset}")
        if offset >= self._handed_out_to:
            offset = max(offset, self._position)  # the holes behind the last row are done with it
        if offset <= self._commit.offset:
            return
        try:
            self._commit.write(offset)
        except OSError as error:
            raise LogError(f"cannot commit: {error.strerror}") from error

    def close(self) -> None:
        self._commit.close()

    def _follow(self, end: int) -> None:
        """Be in the file that is at the path now, at the row of our position."""
        current = self._log.current_file()
        if self._file is current:
            return
        if self._position < self._log.header_base:
            _log.warning("rows_gone group wants offset=%d, log begins at %d", self._position, self._log.header_base)
            self._position = self._log.header_base
        self._file, self._synced = current, 0
        self._byte = current.seek(self._position, end)

    def _sync(self, end: int) -> None:
        """A row may be readable before it is on disk: none is handed out before."""
        assert self._file is not None
        if end <= self._synced:
            return
        try:
            if self._sync_failed:
                self._log.dirty_again(self._file, self._synced, end)
            os.fdatasync(self._file.descriptor)
        except OSError as error:
            self._sync_failed = True
            raise LogError(f"the disk does not confirm the rows: {quoted(error)}") from error
        self._sync_failed = False
        self._synced = end

    def _read(self, max_records: int, end: int) -> list[Record]:
        assert self._file is not None
        records: list[Record] = []
        chunk_bytes = min(CHUNK_BYTES, max(SHORT_TAIL_BYTES, max_records * ROW_BYTES))
        for line in self._file.lines(self._byte, end, chunk_bytes):
            record = line.record or self._judged_again(line)
            self._byte = line.end
            if record is None or record.offset < self._position:
                continue
            records.append(record)
            self._position = record.offset + 1
            if len(records) == max_records:
                break
        return records

    def _judged_again(self, line: Line) -> Record | None:
        """A line that looks damaged is read once more under the lock before it is believed to be."""
        assert self._file is not None
        with self._log.lock.held():
            raw = os.pread(self._file.descriptor, min(line.end - line.start, LONGEST_LINE), line.start)
            if (record := parse_line(raw.rstrip(b"\n"))) is not None:
                return record
            if badlines.set_aside(self._log.data, self._log.log_id, "line", self._position - 1, raw.rstrip(b"\n")):
                self.damaged += 1
                _log.warning("line_damaged after_offset=%d line=%s", self._position - 1, quoted(raw))
        self._position += 1
        return None
