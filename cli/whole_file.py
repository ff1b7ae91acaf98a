"""A file that a command writes: under its name it is there whole or not at all, whatever stops the program.

It is written in a folder of its own beside its place, synced, and renamed.
"""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from common.errors import HydrologError
from common.files import sync_folder

# What a command leaves free on the disk of the box's own rows; of a small disk, a share.
KEPT_BYTES = 256 * 1024 * 1024  # as many bytes as waiting rows are worth a warning
KEPT_SHARE = 20


class NotWritten(HydrologError):
    """The file cannot be written; an earlier file of that name stays."""


def refuse_existing(path: Path) -> None:
    """For a file that is never replaced.

    Raises:
        NotWritten: there is one.
    """
    if path.exists() or path.is_symlink():
        raise NotWritten(f"{path} is there already; name a new file")


def leave_room(path: Path, data: Path) -> None:
    """Refuse to go on when the box's own rows would soon have no room."""
    if not data.exists() or data.stat().st_dev != path.parent.stat().st_dev:
        return
    disk = os.statvfs(path.parent)
    kept = min(KEPT_BYTES, disk.f_blocks * disk.f_frsize // KEPT_SHARE)
    if disk.f_bavail * disk.f_frsize < kept:
        raise NotWritten(f"cannot write {path}: no room would be left for the box's own rows; name another disk")


@contextmanager
def replacing(path: Path, kind: str) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end; after an error nothing is left of it."""
    try:
        with (
            _signals_as_ctrl_c(),
            tempfile.TemporaryDirectory(prefix=f".hydrolog-{kind}-", dir=path.parent) as folder,
        ):
            made = Path(folder) / kind
            with made.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise NotWritten(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and the end of the terminal clean up, too."""
    changed = [number for number in (signal.SIGHUP, signal.SIGTERM) if signal.getsignal(number) == signal.SIG_DFL]
    for number in changed:  # not what somebody ignores: `nohup`
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
