"""Locks between processes, on files that are created once and never deleted.

The kernel frees a lock when its holder dies. The log's lock is taken on a descriptor that stays open: that costs a
microsecond, against sixty for opening the file each time. Never lock a data file itself, and never delete a lock file:
waiting processes would then lock two different files. If somebody deletes it, the next process to lock creates it
again.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import lock_descriptor, unlock_descriptor

from common.errors import LockTimeout
from common.files import closed, open_lock_file

FIRST_PAUSE_S = 0.00005  # the lock is held for microseconds: try again soon, then less often
LONGEST_PAUSE_S = 0.002
DEADLINE_S = 10.0  # after this the holder is stopped or the disk hangs: raise instead of waiting forever


class Lock:
    """An exclusive lock between processes, and between the threads of this one.

    A forked child shares its parent's descriptor and would share its lock, so it opens the file again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.Lock()
        self._descriptor = open_lock_file(path)
        self._pid = os.getpid()

    @contextlib.contextmanager
    def held(self, deadline_s: float = DEADLINE_S) -> Iterator[None]:
        """Hold the lock; only for microseconds.

        Raises:
            LockTimeout: it was not free within `deadline_s` (real seconds).
        """
        self.acquire(deadline_s)
        try:
            yield
        finally:
            self.release()

    def acquire(self, deadline_s: float = DEADLINE_S) -> None:
        if not self._threads.acquire(timeout=deadline_s):
            raise LockTimeout(f"{self.path} was not free for {deadline_s:g} s (held by a thread of this process)")
        try:
            self._acquire_between_processes(deadline_s)
        except BaseException:
            self._threads.release()
            raise

    def _acquire_between_processes(self, deadline_s: float) -> None:
        if self._pid != os.getpid():
            self._descriptor, self._pid = open_lock_file(self.path), os.getpid()
        give_up_s = time.monotonic() + deadline_s
        pause_s = FIRST_PAUSE_S
        while True:
            if lock_descriptor(self._descriptor, blocking=False):
                if os.fstat(self._descriptor).st_nlink:
                    return
                self._open_anew()  # the file was deleted: others lock a different one
                continue
            if time.monotonic() >= give_up_s:
                raise LockTimeout(
                    f"{self.path} was not free for {deadline_s:g} s; its holder is stopped or the disk hangs"
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)

    def _open_anew(self) -> None:
        deleted, self._descriptor = self._descriptor, open_lock_file(self.path)
        os.close(deleted)  # also frees its lock

    def release(self) -> None:
        unlock_descriptor(self._descriptor)
        self._threads.release()

    def close(self) -> None:
        """Close the file; may be called again."""
        self._descriptor = closed(self._descriptor)
