"""Reset and compaction: the file is replaced with one without the rows that every group has consumed.

Both are one operation: a new file with a header (its base is the lowest commit) and the rows still needed is written,
synced, and renamed over the old one. A file is never truncated while readers have it open.
"""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.errors import LockTimeout
from common.files import copy_range, write_all
from log import commits, mark
from log.format import Header, format_header
from log.lock import Lock
from log.state import LogState

_log = logging.getLogger(__name__)


class Trimmer:
    def __init__(self, state: LogState, groups: Sequence[str], compact_bytes: int, warn_bytes: int) -> None:
        self._state = state
        self._groups = tuple(groups)
        self._compact_bytes = compact_bytes
        self._warn_bytes = warn_bytes
        self._warned = False

    def trim(self) -> bool:
        """Drop the rows that every listed group has consumed; True if the file was replaced.

        If that is all rows, the new file is only a header. A part is dropped only if it exceeds `compact_bytes` and
        half the file.
        """
        state = self._state
        if not self._groups or (state.refresh() == state.file.rows_start and state.header.base == state.next):
            self._warned = False
            return False  # empty already
        name, lowest = self._slowest()
        everything = lowest >= state.end_offset
        if everything or self._worth_compacting(lowest):
            return self._replace(lowest)
        self._warn_of_size(name)
        return False

    def _slowest(self) -> tuple[str, int]:
        """The slowest group and the first offset that must stay; a group without a readable commit needs everything.

        Rows that the producer has not marked yet also stay: a producer killed between the append and the mark learns
        from them which minutes it has closed.
        """
        offsets = {name: commits.read(self._state.data, name) or 0 for name in self._groups}
        published = mark.load(self._state.data)
        if published is not None and published.log_id == self._state.log_id:
            offsets["(producer)"] = published.end_offset
        return min(offsets.items(), key=lambda pair: pair[1])

    def _worth_compacting(self, lowest: int) -> bool:
        state = self._state
        if state.end - state.file.rows_start < self._compact_bytes:
            return False
        consumed = state.file.seek(lowest, state.end) - state.file.rows_start
        return consumed >= self._compact_bytes and consumed * 2 >= state.end - state.file.rows_start

    def _warn_of_size(self, name: str) -> None:
        """Warn once each time the file grows past the limit."""
        large = self._state.end > self._warn_bytes
        if large and not self._warned:
            _log.warning("log_large bytes=%d waiting_for=%s nothing is dropped", self._state.end, name)
        self._warned = large

    def _replace(self, base: int) -> bool:
        """Write a new file with the rows from `base` on and rename it over the old one.

        Most rows are copied before the lock is taken; under it only those appended meanwhile.
        """
        state = self._state
        with self._new_file(base) as new:
            if new is None:
                return False  # another group is doing it
            path, target = new
            source, copied_to = state.file, state.end
            copy_range(source.descriptor, source.seek(base, copied_to), copied_to, target)
            os.fdatasync(target)
            with state.lock.held():
                state.catch_up(cut_torn=True)
                if state.file is not source or state.end < copied_to:
                    return False  # another group was faster, or the file was cut: try next time
                if state.end > copied_to:
                    copy_range(source.descriptor, copied_to, state.end, target)
                    os.fdatasync(target)
                path.replace(state.path)
                state.reopen()
        # Its name is synced by the next append. Until then the old file may come back, whose rows are all consumed.
        state.reserve.restore()
        return True

    @contextlib.contextmanager
    def _new_file(self, base: int) -> Iterator[tuple[Path, int] | None]:
        """The new file with its header, to be renamed into place; None if another process is writing one."""
        path = self._state.path.with_name(self._state.path.name + ".new")
        replacing = Lock(path.with_name(path.name + ".lock"))
        try:
            try:
                replacing.acquire(0.0)
            except LockTimeout:
                yield None
                return
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
            try:
                write_all(target, format_header(Header(self._state.log_id, base)))
                yield path, target
            finally:
                os.close(target)
                path.unlink(missing_ok=True)  # left only if it was not used; it must not fill the disk
                replacing.release()
        finally:
            replacing.close()
