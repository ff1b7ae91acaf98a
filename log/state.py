"""A process's view of the log file, and how it follows changes by other processes.

`log.recovery` handles the states after a crash.
"""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common.errors import DiskFull, LockTimeout, LogError
from common.files import CLOSED, COPY_BYTES
from common.folder import GROUPS_FOLDER, LOG_FILE, LOG_LOCK_FILE
from common.logging_setup import quoted
from log import commits, damaged, identity, recovery
from log.format import LONGEST_LINE, Header, parse_line
from log.lock import Lock
from log.reserve import Reserve
from log.segment import LogFile

PATIENCE_S = 0.05  # a reader waits this long for the lock, then reads without it: readers never block

_log = logging.getLogger(__name__)


class Uncut(NamedTuple):
    """The rest of a refused append that could not be cut back."""

    inode: int
    start: int
    size: int


class LogState:
    """The open file, its lock and the reserve; shared by appending, polling and resetting."""

    # The open file, the byte after its last known line, and the offset of the next row.
    file: LogFile
    header: Header
    end: int
    next: int

    def __init__(self, data: Path, groups: Sequence[str]) -> None:
        self.data = data
        self.path = data / LOG_FILE
        self.next = 0
        self.uncut: Uncut | None = None
        try:
            data.mkdir(parents=True, exist_ok=True)
            (data / GROUPS_FOLDER).mkdir(exist_ok=True)
            self.lock = Lock(data / LOG_LOCK_FILE)
            try:
                self._open(groups)
            except BaseException:
                self.lock.close()
                raise
        except OSError as error:
            raise LogError(f"cannot open the log in {data}: {error.strerror} ({error.filename})") from error

    def _open(self, groups: Sequence[str]) -> None:
        self.reserve = Reserve(self.data)
        with self.lock.held():
            self.reopen()
            try:
                for name in groups:
                    self.open_commit(name).close()
            except BaseException:
                self.file.close()
                raise

    @property
    def log_id(self) -> str:
        return self.header.log_id

    def id_of(self, offset: int) -> str:
        """See `log.roles.Log`."""
        known = self._identity
        return known.of(offset) if known and known.log_id == self.log_id else self.log_id

    @property
    def end_offset(self) -> int:
        self.refresh()
        return self.next

    def close(self) -> None:
        self.file.close()
        self.lock.close()

    def refresh(self) -> int:
        """Look at the file again; returns the byte after its last complete line.

        Under the lock an append is either complete or absent. If the lock is not free soon (its holder is stopped), the
        lines are read as they are.
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
        """Follow what others did meanwhile: appends, a reset, a crash; under the lock."""
        size = self.file.size_at_path()
        if size == self.end and self.uncut is None:
            return
        if size is None or size < self.end:
            self.reopen()  # replaced, or truncated by hand or by a file system check
        if self.uncut is not None:
            self.cut_back()
        if self._take_in_lines() > self.end:
            self._mend_line_break()
            if cut_torn and self.file.size() > self.end:
                self._cut_torn_tail(self.file.size())

    def cut_back(self) -> None:
        """Remove the lines of a refused append, or its rows would be there twice after the retry."""
        assert self.uncut is not None
        inode, start, size = self.uncut
        if self.file.inode == inode and self.file.size() == size:
            os.ftruncate(self.file.descriptor, start)
            self.end = min(self.end, start)
        self.uncut = None

    def reopen(self) -> None:
        """Open the file at the path, or create it; under the lock."""
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
        self._identity = identity.load(self.data)
        self.next = max(next_offset, self.next)
        if file.size() > self.end:
            self._mend_line_break()

    def _take_in_lines(self) -> int:
        """Read the complete lines after the known end; returns the size that was read."""
        if self.file.size() > self.end:
            tail = self.file.tail(self.end)
            self.next = max(self.next + tail.damaged if tail.next_offset == 0 else tail.next_offset, self.next)
            self.end = tail.complete_end
        return self.file.size()

    def _mend_line_break(self) -> None:
        """A valid row after the last line break is complete: add its line break."""
        torn = os.pread(self.file.descriptor, LONGEST_LINE, self.end)
        for length in (len(torn), len(torn) - 1):
            if torn and (row := parse_line(torn[:length])):
                os.pwrite(self.file.descriptor, b"\n", self.end + length)
                self.end += length + 1
                self.next = max(self.next, row.offset + 1)
                _log.warning("line_break_mended offset=%d", row.offset)
                return

    def _cut_torn_tail(self, size: int) -> None:
        """Set aside the bytes after the last line break, left by an interrupted append."""
        torn = os.pread(self.file.descriptor, min(size - self.end, LONGEST_LINE), self.end)
        self.set_aside("torn", torn, self.next - 1)
        os.ftruncate(self.file.descriptor, self.end)
        _log.warning("torn_tail_cut bytes=%d after_offset=%d", size - self.end, self.next - 1)

    def set_aside(self, kind: str, raw: bytes, after: int) -> bool:
        """Keep damaged bytes, under the lock; returns whether they are new. A full disk is no error here."""
        try:
            return damaged.set_aside(self.data, self.log_id, kind, after, raw)
        except OSError as error:
            _log.warning("not_set_aside kind=%s problem=%s bytes=%s", kind, quoted(error), quoted(raw))
            return True

    def open_commit(self, name: str) -> commits.CommitFile:
        file = commits.CommitFile(self.data, name, self.header.base)
        if file.was_missing and self.next > self.header.base:
            _log.warning("group_commit_missing group=%s from=%d rows are handed out again", name, self.header.base)
        return file

    def write_again(self, file: LogFile, start: int, end: int) -> None:
        """Write the same bytes again before a sync is retried: the kernel may have marked them clean."""
        with self.lock.held():
            position = start
            while position < end and (chunk := os.pread(file.descriptor, min(COPY_BYTES, end - position), position)):
                position += os.pwrite(file.descriptor, chunk, position)

    @contextlib.contextmanager
    def os_errors(self, doing: str) -> Iterator[None]:
        """Convert operating system errors to the log's errors."""
        self.check_open()
        try:
            yield
        except OSError as error:
            raise self.problem(doing, error) from error

    def check_open(self) -> None:
        if self.file.descriptor == CLOSED:
            raise LogError(f"the log in {self.data} is closed")

    def problem(self, doing: str, error: OSError) -> LogError:
        """The matching error of the log; a full disk frees the reserve."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            self.reserve.give_up()
            return DiskFull(f"cannot {doing}: no space in {self.data}; free some")
        return LogError(f"cannot {doing} in {self.data}: {error.strerror}")
