"""Appending rows to the file: all or none, and on disk before the call returns.

The lock is held for microseconds; the sync comes after it is released, so several producers share one disk flush. Rows
are therefore visible before they are on disk, and a poll syncs before it returns them.
"""

import errno
import logging
import os
from collections.abc import Sequence
from typing import NamedTuple

from common.errors import LogError, NotDurable
from common.logging_setup import quoted
from log.format import encoded, format_lines
from log.state import LogState, Uncut

_log = logging.getLogger(__name__)


class _Unconfirmed(NamedTuple):
    """Rows at a known place that the disk has not confirmed."""

    inode: int
    start: int
    first: int
    block: bytes


class Appender:
    def __init__(self, state: LogState) -> None:
        self._state = state
        self._unconfirmed: _Unconfirmed | None = None

    def append(self, lines: Sequence[str]) -> int:
        """See `FileLog.append`."""
        payloads = encoded(lines)
        if self._unconfirmed is not None:
            try:
                self._confirm(self._unconfirmed)
            except NotDurable as error:
                raise LogError(f"not appended, since {error}") from error
        state = self._state
        guess = state.next
        block = format_lines(guess, payloads)  # before the lock; repeated under it if others were faster
        try:
            state.lock.acquire()
            try:
                state.catch_up(cut_torn=True)
                first, start = state.next, state.end
                if first != guess:
                    block = format_lines(first, payloads)
                self._write(block, start)
                state.end, state.next = start + len(block), first + len(payloads)
                file = state.file
            finally:
                state.lock.release()
        except OSError as error:
            raise state.problem("append", error) from error
        try:
            file.sync()
        except OSError as error:
            _log.warning("sync_failed offset=%d problem=%s", first, quoted(error))
            self._unconfirmed = _Unconfirmed(file.inode, start, first, block)
            self._confirm(self._unconfirmed)
        return first

    def _write(self, block: bytes, start: int) -> None:
        """Write a block after the last line, under the lock; an incomplete write is cut back."""
        state = self._state
        try:
            state.reserve.check(len(block))
            written = os.pwrite(state.file.descriptor, block, start)
            while written < len(block):  # short write: the next write reports the reason
                more = os.pwrite(state.file.descriptor, block[written:], start + written)
                if more == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += more
        except OSError:
            if (size := state.file.size()) > start:
                state.uncut = Uncut(state.file.inode, start, size)
                state.cut_back()
            raise

    def _confirm(self, rows: _Unconfirmed) -> None:
        """Put the rows of an earlier append on disk, with a new handle and new dirty pages.

        A failed sync is never repeated on the same pages: the kernel may have marked them clean.

        Raises:
            NotDurable: the disk still refuses.
        """
        state = self._state
        try:
            with state.lock.held():
                state.reopen()
                # A different file at the path: a reset, which happens only after the rows were copied or consumed.
                if state.file.inode == rows.inode:
                    self._write_again(rows)
            state.file.sync()
        except (OSError, LogError) as error:
            raise NotDurable(rows.first, quoted(error)) from error
        self._unconfirmed = None

    def _write_again(self, rows: _Unconfirmed) -> None:
        """Write the rows' bytes again at their place, which may now contain garbage; under the lock."""
        file = self._state.file
        if file.size() < rows.start + len(rows.block):
            _log.warning("rows_gone first=%d the file was cut before the disk confirmed them", rows.first)
        elif os.pwrite(file.descriptor, rows.block, rows.start) != len(rows.block):
            raise OSError(errno.EIO, "the rows were not written whole")
