"""Reserved disk space: a file that is deleted when the disk is full, so that a reset still works.

While it is freed, appends are refused until there is room for it again: otherwise the next append would use the space
that the reset needs.
"""

import contextlib
import errno
import os
import time
from pathlib import Path

from common.folder import LOG_RESERVE_FILE

LARGEST_BYTES = 4 * 1024 * 1024  # a header, a compaction's first megabyte, state files
SHARE_OF_DISK = 64  # on a small file system at most 1 / 64 of it
LOOK_EVERY_S = 1.0  # another process may have freed it


class Reserve:
    def __init__(self, data: Path) -> None:
        self._path = data / LOG_RESERVE_FILE
        space = os.statvfs(data)
        self._bytes = min(LARGEST_BYTES, space.f_blocks * space.f_frsize // SHARE_OF_DISK) // 4096 * 4096
        self._look_again_s = 0.0
        self.restore()

    def check(self, bytes_needed: int) -> None:
        """Refuse an append while the reserve is freed and there is no room for both.

        Raises:
            OSError: ENOSPC.
        """
        now_s = time.monotonic()
        if now_s < self._look_again_s or self.restore():
            self._look_again_s = max(self._look_again_s, now_s + LOOK_EVERY_S)
            return
        if self._free() < bytes_needed + self._bytes:
            raise OSError(errno.ENOSPC, "No space left on device (the reserve is kept for the reset)")

    def give_up(self) -> None:
        """Free the reserved space."""
        self._look_again_s = 0.0
        with contextlib.suppress(OSError):  # the disk is full anyway: the next write reports it
            self._path.unlink(missing_ok=True)

    def restore(self) -> bool:
        """Reserve the space again when there is plenty; returns whether it is reserved."""
        if self._bytes == 0 or self._path.exists():
            return True
        if self._free() < 2 * self._bytes:
            return False
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(descriptor, 0, self._bytes)
            finally:
                os.close(descriptor)
        except OSError:  # still no room
            self.give_up()
            return False
        return True

    def _free(self) -> int:
        space = os.statvfs(self._path.parent)
        return space.f_bavail * space.f_frsize
