"""Roles: one producer, one consumer of each group and one Postgres per data folder."""

import contextlib
import os
from pathlib import Path

from filelock import lock_descriptor

from common import processes
from common.errors import LogError, RoleTaken
from common.files import closed, open_lock_file


def holder(folder: Path, role: str) -> int | None:
    """The process that holds a role; None if nobody does, as far as that may be seen.

    The lock itself is not tried: a process that starts at this moment would be refused, and not be started again.
    """
    path = folder / f"{role}.lock"
    try:
        pid = int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return pid if processes.alive(pid) and processes.has_open(pid, path) is not False else None


class RoleLock:
    """A lock that a process holds for its whole life, so that no second process takes the role."""

    def __init__(self, folder: Path, role: str) -> None:
        """Take the role.

        Raises:
            RoleTaken: another process holds it; the message says which.
            LogError: the lock file cannot be opened.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = open_lock_file(folder / f"{role}.lock")
        except OSError as error:
            raise LogError(f"cannot open the role's lock: {error.strerror} ({error.filename})") from error
        if not lock_descriptor(self._descriptor, blocking=False):
            pid = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise RoleTaken(role, pid if pid.isdecimal() else "unknown")  # not by a disk that was full
        with contextlib.suppress(OSError):  # a full disk: the lock is held, but its holder is not named
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        self._descriptor = closed(self._descriptor)
