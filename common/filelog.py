"""The log as one readable file, `server_data.txt`: what a process knows of it, and how it keeps up with the others.

How rows get in stands in `common.appender`, how they get out in `common.group`, what shortens the file in
`common.trim`. Every question about its state after a crash is answered in `common.recovery`.
"""

import contextlib
import errno
import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from common import badlines, commits, recovery
from common.appender import Appender
from common.errors import DiskFull, LockTimeout, LogError
from common.files import CLOSED, COPY_BYTES
from common.group import FileGroup
from common.lines import LONGEST_LINE, Header, Record, parse_line
from common.lock import Lock
from common.logfile import LogFile
from common.logs import quoted
from common.reserve import Reserve
from common.trim import Trimmer

FILE_NAME = "server_data.txt"
DEFAULT_COMPACT_BYTES = 16 * 1024 * 1024
DEFAULT_WARN_BYTES = 256 * 1024 * 1024
PATIENCE_S = 0.05  # a reader waits this long for the lock, then goes by what it sees: readers wait for nobody

_log = logging.getLogger(__name__)


class FileLog:
    """See `common.log.Log`. Not for several threads at once; for as many processes as you like."""

    # What an open file is: the file itself, the byte after its last known line, the offset of the next row.
    file: LogFile
    header: Header
    end: int
    next: int

    def __init__(self, data: Path | str, groups: Sequence[str], *, compact_bytes: int, warn_bytes: int) -> None:
        self.data = data = Path(data)
        self.path = data / FILE_NAME
        self.next = 0
        self._appender = Appender(self)
        try:
            data.mkdir(parents=True, exist_ok=True)
            (data / commits.FOLDER).mkdir(exist_ok=True)
            self.lock = Lock(data / f"{FILE_NAME}.lock")
            try:
                self._open(groups)
            except BaseException:
                self.lock.close()
                raise
        except OSError as error:
            raise LogError(f"cannot open the log in {data}: {error.strerror} ({error.filename})") from error
        self._trimmer = Trimmer(self, groups, compact_bytes, warn_bytes)

    def _open(self, groups: Sequence[str]) -> None:
        self.reserve = Reserve(self.data)
        with self.lock.held():
            self.reopen()
            try:
                for name in groups:
                    self._open_commit(name).close()
            except BaseException:
                self.file.close()
                raise

    @property
    def log_id(self) -> str:
        return self.header.log_id

    @property
    def base_offset(self) -> int:
        self.refresh()
        return self.header.base

    @property
    def end_offset(self) -> int:
        self.refresh()
        return self.next

    def append(self, lines: Sequence[str]) -> int:
        """Append rows, all or none; returns their first offset once they are on disk.

        Raises:
            DiskFull: no room; nothing of this append is in the log.
            NotDurable: the rows are in the log at `first`, but the disk did not confirm them. Do not append them
                again: the next append confirms them first.
            LogError: nothing of this append is in the log.
            ValueError: a line holds a control character (a line break, say) other than a tab, is empty or too long.
        """
        self._check_open()
        return self._appender.append(lines)

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Rows from `offset` on, without a group and without a sync: for people and for start-up."""
        self.refresh()
        with self.os_errors("read"):
            lines = self.file.lines(self.file.seek(offset, self.end), self.end)
            found = (line.record for line in lines if line.record and line.record.offset >= offset)
            return list(itertools.islice(found, max(max_records, 0)))

    def group(self, name: str) -> FileGroup:
        """Join a group; one process at a time, which holds the group's role.

        Raises:
            ValueError: this cannot be a group's name, which is a file's name.
        """
        with self.os_errors("open a group"), self.lock.held():
            return FileGroup(self, self._open_commit(name))

    def trim(self) -> bool:
        """Drop the rows that every listed group has consumed; True if the file was replaced."""
        with self.os_errors("reset"):
            return self._trimmer.trim()

    def close(self) -> None:
        """Let go of the files; a second time does nothing, and whatever else is asked then is a LogError."""
        self.file.close()
        self.lock.close()

    # --- the state of the file

    def refresh(self) -> int:
        """Look at the file again; the byte after its last complete line.

        Under the lock an append is there whole or not at all. If the lock is not free soon (its holder is stopped),
        the lines are taken as they stand.
        """
        with self.os_errors("read"):
            if self.file.size_at_path() == self.end:
                return self.end
            try:
                self.lock.acquire(PATIENCE_S)
            except LockTimeout:
                if self.file.size_at_path() is not None:
                    self._take_in_lines()
                return self.end
            try:
                self.catch_up(cut_torn=False)
            finally:
                self.lock.release()
        return self.end

    def catch_up(self, *, cut_torn: bool) -> None:
        """Take in what others did since: appends, a reset, a crash; under the lock."""
        size = self.file.size_at_path()
        if size == self.end and self._appender.uncut is None:
            return
        if size is None or size < self.end:
            self.reopen()  # replaced, or cut by hand or by a file system check
        if self._appender.uncut is not None:
            self._appender.cut_back()
        if self._take_in_lines() > self.end:
            self._mend_line_break()
            if cut_torn and self.file.size() > self.end:
                self._cut_torn_tail(self.file.size())

    def reopen(self) -> None:
        """Open what is at the path, or make it; under the lock."""
        file, header = recovery.open_current(self.data, self.path, self.next)
        try:
            tail = file.tail(file.rows_start)
            next_offset = recovery.next_offset(self.data, header, file, tail)
        except BaseException:
            file.close()
            raise
        if next_offset > tail.next_offset > 0:
            _log.warning("log_tail_lost last_in_file=%d next=%d", tail.next_offset - 1, next_offset)
        if hasattr(self, "file"):
            self.file.close()
        self.file, self.header, self.end = file, header, tail.complete_end
        self.next = max(next_offset, self.next)
        if file.size() > self.end:
            self._mend_line_break()

    def _take_in_lines(self) -> int:
        """Take in the complete lines behind the known end; the size that was looked at."""
        if self.file.size() > self.end:
            tail = self.file.tail(self.end)
            self.next = max(self.next + tail.damaged if tail.next_offset == 0 else tail.next_offset, self.next)
            self.end = tail.complete_end
        return self.file.size()

    def _mend_line_break(self) -> None:
        """A row behind the last line break that proves itself was written whole: it gets its line break (again)."""
        torn = os.pread(self.file.descriptor, LONGEST_LINE, self.end)
        for length in (len(torn), len(torn) - 1):
            if torn and (row := parse_line(torn[:length])):
                os.pwrite(self.file.descriptor, b"\n", self.end + length)
                self.end += length + 1
                self.next = max(self.next, row.offset + 1)
                _log.warning("line_break_mended offset=%d", row.offset)
                return

    def _cut_torn_tail(self, size: int) -> None:
        """Bytes after the last line break are of an append that died: set aside, never believed."""
        torn = os.pread(self.file.descriptor, min(size - self.end, LONGEST_LINE), self.end)
        self.set_aside("torn", torn, self.next - 1)
        os.ftruncate(self.file.descriptor, self.end)
        _log.warning("torn_tail_cut bytes=%d after_offset=%d", size - self.end, self.next - 1)

    def set_aside(self, kind: str, raw: bytes, after: int) -> bool:
        """Keep damaged bytes, under the lock; whether they are new. A disk without room for them stops nothing."""
        try:
            return badlines.set_aside(self.data, self.log_id, kind, after, raw)
        except OSError as error:
            _log.warning("not_set_aside kind=%s problem=%s bytes=%s", kind, quoted(error), quoted(raw))
            return True

    def _open_commit(self, name: str) -> commits.CommitFile:
        file = commits.CommitFile(self.data, name, self.header.base)
        if file.was_missing and self.next > self.header.base:
            _log.warning("group_commit_missing group=%s from=%d rows are handed out again", name, self.header.base)
        return file

    def write_again(self, file: LogFile, start: int, end: int) -> None:
        """Before a sync is tried again: the same bytes anew, for the kernel may have marked them clean."""
        with self.lock.held():
            position = start
            while position < end and (chunk := os.pread(file.descriptor, min(COPY_BYTES, end - position), position)):
                position += os.pwrite(file.descriptor, chunk, position)

    @contextlib.contextmanager
    def os_errors(self, doing: str) -> Iterator[None]:
        """Turn what the operating system says into the log's own errors."""
        self._check_open()
        try:
            yield
        except OSError as error:
            raise self.problem(doing, error) from error

    def _check_open(self) -> None:
        if self.file.descriptor == CLOSED:
            raise LogError(f"the log in {self.data} is closed")

    def problem(self, doing: str, error: OSError) -> LogError:
        """The log's own error; a full disk gives up the reserve."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            self.reserve.give_up()
            return DiskFull(f"cannot {doing}: no room in {self.data}; free some")
        return LogError(f"cannot {doing} in {self.data}: {error.strerror}")
