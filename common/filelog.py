"""The log as one readable file, `server_data.txt`.

Appends take the lock for microseconds and sync after they have let go of it, so that several producers share one
disk flush. Rows are therefore visible before they are on disk, and a poll syncs before it hands them out.
Every question about the state of the file after a crash is answered in `common.recovery`.
"""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from common import badlines, commits, recovery
from common.errors import DiskFull, LockTimeout, LogError, NotDurable
from common.files import COPY_BYTES, copy_range, sync_folder, write_all
from common.group import FileGroup
from common.lines import LONGEST_LINE, Header, Record, format_header, format_lines
from common.lock import Lock
from common.logfile import LogFile
from common.logs import quoted
from common.reserve import Reserve

FILE_NAME = "server_data.txt"
DEFAULT_COMPACT_BYTES = 16 * 1024 * 1024
DEFAULT_WARN_BYTES = 256 * 1024 * 1024
PATIENCE_S = 0.05  # a reader waits this long for the lock, then goes by what it knew: readers wait for nobody

_log = logging.getLogger(__name__)


class FileLog:
    """See `common.log.Log`. Not for several threads at once; for as many processes as you like."""

    def __init__(self, data: Path, groups: Sequence[str], *, compact_bytes: int, warn_bytes: int) -> None:
        self.data = data
        self.path = data / FILE_NAME
        self._groups = tuple(groups)
        self._compact_bytes = compact_bytes
        self._warn_bytes = warn_bytes
        self._warned = False
        try:
            data.mkdir(parents=True, exist_ok=True)
            (data / commits.FOLDER).mkdir(exist_ok=True)
            self.lock = Lock(data / f"{FILE_NAME}.lock")
            self._reserve = Reserve(data)
            with self.lock.held():
                self._open()
                for name in self._groups:
                    self._open_commit(name).close()
        except OSError as error:
            raise LogError(f"cannot open the log in {data}: {error.strerror} ({error.filename})") from error

    # What an open file is: the file itself, the byte after its last known line, the offset of the next row.
    _file: LogFile
    _header: Header
    _end: int
    _next: int
    # A failed sync leaves rows whose place is known and whose bytes may not be on disk: (inode, first byte, offset).
    _unconfirmed: tuple[int, int, int] | None = None
    # A failed append that could not be cut back: (inode, first byte, size it left).
    _uncut: tuple[int, int, int] | None = None

    @property
    def log_id(self) -> str:
        return self._header.log_id

    @property
    def base_offset(self) -> int:
        self.refresh()
        return self._header.base

    @property
    def header_base(self) -> int:
        """The base of the file that is open, as of the last refresh."""
        return self._header.base

    @property
    def end_offset(self) -> int:
        self.refresh()
        return self._next

    def append(self, lines: Sequence[str]) -> int:
        """Append rows, all or none; returns their first offset once they are on disk.

        Raises:
            DiskFull: no room; nothing of this append is in the log.
            NotDurable: the rows are in the log at `first`, but the disk did not confirm them. Do not append them
                again: the next append confirms them first.
            LogError: nothing of this append is in the log.
            ValueError: a line holds a line break, is empty or too long.
        """
        payloads = _checked(lines)
        if self._unconfirmed is not None:
            try:
                self._confirm_earlier()
            except NotDurable as error:
                raise LogError(f"not appended, since {error}") from error
        guess = self._next
        block = format_lines(guess, payloads)
        with self._os_errors("append"), self.lock.held():
            self._catch_up(cut_torn=True)
            first, start = self._next, self._end
            if first != guess:
                block = format_lines(first, payloads)
            self._write(block, start)
            self._end, self._next = start + len(block), first + len(payloads)
            descriptor, inode = self._file.descriptor, self._file.inode
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self._after_failed_sync(inode, start, first, error)
        return first

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Rows from `offset` on, without a group and without a sync: for people and for start-up."""
        self.refresh()
        start = self._file.seek(offset, self._end)
        records = []
        for line in self._file.lines(start, self._end):
            if line.record and line.record.offset >= offset:
                records.append(line.record)
                if len(records) == max_records:
                    break
        return records

    def group(self, name: str) -> FileGroup:
        """Join a group; one process at a time, which holds the group's role."""
        with self._os_errors("open a group"):
            return FileGroup(self, self._open_commit(name))

    def close(self) -> None:
        self._file.close()
        self.lock.close()

    # --- the state of the file

    def refresh(self) -> int:
        """Look at the file again; the byte after its last complete line.

        Under the lock an append is there whole or not at all. If the lock is not free soon (its holder is stopped),
        the lines are taken as they stand.
        """
        if self._file.is_current() and self._file.size() == self._end:
            return self._end
        with self._os_errors("read"):
            try:
                self.lock.acquire(PATIENCE_S)
            except LockTimeout:
                if self._file.is_current():
                    self._take_in_lines()
                return self._end
            try:
                self._catch_up(cut_torn=False)
            finally:
                self.lock.release()
        return self._end

    def current_file(self) -> LogFile:
        """The file as of the last refresh."""
        return self._file

    def dirty_again(self, file: LogFile, start: int, end: int) -> None:
        """Before a sync is tried again: write the same bytes anew, for the kernel may have marked them clean."""
        with self.lock.held():
            position = start
            while position < end and (chunk := os.pread(file.descriptor, min(COPY_BYTES, end - position), position)):
                position += os.pwrite(file.descriptor, chunk, position)

    def _open(self) -> None:
        """Open what is at the path, or make it; under the lock."""
        self._file, self._header = recovery.open_current(self.data, self.path)
        tail = self._file.tail(self._file.rows_start)
        self._end = tail.complete_end
        self._next = recovery.next_offset(self.data, self._header, tail)
        if self._next > tail.next_offset > 0:
            _log.warning("log_tail_lost last_in_file=%d next=%d", tail.next_offset - 1, self._next)

    def _catch_up(self, *, cut_torn: bool) -> None:
        """Take in what others did since: appends, a reset, a crash; under the lock."""
        if not self._file.is_current() or self._file.size() < self._end:
            self._file.close()  # replaced, or cut by hand or by a file system check
            self._open()
        if self._uncut is not None:
            self._cut_failed_append()
        size = self._take_in_lines()
        if cut_torn and self._end < size:
            self._cut_torn_tail(size)

    def _take_in_lines(self) -> int:
        """Take in the complete lines behind the known end; the size that was looked at."""
        if self._file.size() > self._end:
            tail = self._file.tail(self._end)
            self._next = max(self._next + tail.damaged if tail.next_offset == 0 else tail.next_offset, self._next)
            self._end = tail.complete_end
        return self._file.size()

    def _cut_failed_append(self) -> None:
        """Lines of an append that was refused must not stay, or its rows would be there twice after the retry."""
        assert self._uncut is not None
        inode, start, size = self._uncut
        if self._file.inode == inode and self._file.size() == size:
            os.ftruncate(self._file.descriptor, start)
        self._uncut = None

    def _cut_torn_tail(self, size: int) -> None:
        """Bytes after the last line break are of an append that died: set aside, never believed."""
        torn = os.pread(self._file.descriptor, min(size - self._end, LONGEST_LINE), self._end)
        badlines.set_aside(self.data, self.log_id, "torn", self._next - 1, torn)
        os.ftruncate(self._file.descriptor, self._end)
        _log.warning("torn_tail_cut bytes=%d after_offset=%d", size - self._end, self._next - 1)

    def _open_commit(self, name: str) -> commits.CommitFile:
        file = commits.CommitFile(self.data, name, self._header.base)
        if file.was_missing and self._next > self._header.base:
            _log.warning("group_commit_missing group=%s from=%d rows are handed out again", name, self._header.base)
        return file

    # --- writing

    def _write(self, block: bytes, start: int) -> None:
        """One write, under the lock; what cannot be written whole is cut back."""
        self._reserve.check(len(block))
        try:
            if os.pwrite(self._file.descriptor, block, start) == len(block):
                return
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._uncut = (self._file.inode, start, self._file.size())
            self._cut_failed_append()
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._reserve.give_up()
                raise DiskFull(f"no room in {self.data}; free some: the rows wait in memory") from error
            raise

    def _after_failed_sync(self, inode: int, start: int, first: int, error: OSError) -> None:
        """Never sync the same bytes again: the kernel may have marked them clean. Write them anew, then sync."""
        _log.warning("sync_failed offset=%d problem=%s", first, quoted(error))
        self._unconfirmed = (inode, start, first)
        self._confirm_earlier()

    def _confirm_earlier(self) -> None:
        """Put the rows of an earlier append on disk, by a new handle and new dirty pages.

        Raises:
            NotDurable: the disk refuses still.
        """
        assert self._unconfirmed is not None
        inode, start, first = self._unconfirmed
        try:
            with self.lock.held():
                self._file.close()
                self._open()
            # Another file at the path: a reset, and that happens only after every group has synced and consumed them.
            if self._file.inode == inode:
                self.dirty_again(self._file, start, self._end)
            os.fdatasync(self._file.descriptor)
        except (OSError, LogError) as error:
            raise NotDurable(first, quoted(error)) from error
        self._unconfirmed = None

    # --- reset and compaction

    def trim(self) -> bool:
        """Drop the rows that every listed group has consumed; True if the file was replaced.

        All of them: the file is replaced by a header. Part of them: only past `compact_bytes` and half the file.
        """
        if not self._groups:
            return False
        with self._os_errors("reset"):
            name, lowest = self._slowest_group()
            everything = lowest >= self.end_offset
            if everything and self._end == self._file.rows_start and self._header.base == lowest:
                return False  # empty already
            if everything or self._worth_compacting(lowest):
                return self._replace_file(lowest)
            self._warn_of_size(name)
        return False

    def _slowest_group(self) -> tuple[str, int]:
        """The group that holds the log, and its commit; without a readable commit it wants everything."""
        offsets = {name: commits.read(self.data, name) for name in self._groups}
        return min(((name, offset or 0) for name, offset in offsets.items()), key=lambda pair: pair[1])

    def _worth_compacting(self, lowest: int) -> bool:
        consumed = self._file.seek(lowest, self._end) - self._file.rows_start
        return consumed >= self._compact_bytes and consumed * 2 >= self._end - self._file.rows_start

    def _warn_of_size(self, name: str) -> None:
        """Said once each time the file grows past the limit."""
        large = self._end > self._warn_bytes
        if large and not self._warned:
            _log.warning("log_large bytes=%d waiting_for=%s nothing is dropped", self._end, name)
        self._warned = large

    def _replace_file(self, base: int) -> bool:
        """Write a new file with the rows from `base` on and rename it over the old one.

        The bulk is copied before the lock is taken; under it only what was appended meanwhile.
        """
        with self._new_file(base) as target:
            source, start = self._file, self._file.seek(base, self._end)
            copied_to = self._end
            copy_range(source.descriptor, start, copied_to, target)
            os.fdatasync(target)
            with self.lock.held():
                self._catch_up(cut_torn=True)
                if self._file is not source:
                    return False  # another group was faster
                copy_range(source.descriptor, copied_to, self._end, target)
                os.fdatasync(target)
                self._new_path.replace(self.path)
                sync_folder(self.data)
                self._file.close()
                self._open()
        self._reserve.restore()
        return True

    @property
    def _new_path(self) -> Path:
        return self.path.with_name(f"{FILE_NAME}.new")

    @contextlib.contextmanager
    def _new_file(self, base: int) -> Iterator[int]:
        """The file to be renamed into place, with its header; one replacing process at a time."""
        replacing = Lock(self.data / f"{FILE_NAME}.new.lock")
        try:
            with replacing.held():
                target = os.open(self._new_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
                try:
                    write_all(target, format_header(Header(self.log_id, base)))
                    yield target
                finally:
                    os.close(target)
        finally:
            replacing.close()

    @contextlib.contextmanager
    def _os_errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._reserve.give_up()
                raise DiskFull(f"cannot {doing}: no room in {self.data}; free some") from error
            raise LogError(f"cannot {doing} in {self.data}: {error.strerror}") from error


def _checked(lines: Sequence[str]) -> list[bytes]:
    """The payloads as bytes; a line break in one would make two lines of it."""
    if not lines:
        raise ValueError("nothing to append")
    payloads = [line.encode() for line in lines]
    if not all(payloads) or b"\n" in b"".join(payloads) or max(map(len, payloads)) > LONGEST_LINE - 64:
        raise ValueError("a line of the log must not be empty, hold a line break or be longer than 64 kB")
    return payloads
