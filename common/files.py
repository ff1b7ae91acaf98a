"""Small files that are replaced atomically: a reader sees the old or the new one, never a part."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COPY_BYTES = 1024 * 1024
CLOSED = -1  # instead of a closed descriptor

Stamp = tuple[int, int, int]


def closed(descriptor: int) -> int:
    """Close a descriptor that may be closed already; returns the value to keep instead.

    The number may soon belong to another open file, which a second close would close.
    """
    if descriptor != CLOSED:
        os.close(descriptor)
    return CLOSED


def stamp(path: Path) -> Stamp | None:
    """A value that changes when the file is replaced, or when others may read it; None if there is no file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_ctime_ns, state.st_size


def open_lock_file(path: Path) -> int:
    """Open the lock file, creating it if missing; a symbolic link is refused."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)


@contextmanager
def one_at_a_time(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """For a change that first looks at what is there: the processes of one box wait for one another. A process that
    dies waits no longer.

    Raises:
        OSError: there is no such folder, or it may not be read; without `wait`, another process is at it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a rename is on disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, repeating after short writes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace(path: Path, data: bytes, *, durable: bool = True, name_durable: bool = True, mode: int = 0o640) -> None:
    """Replace `path` with a file holding `data`: temporary file, sync, rename, sync of the folder.

    The temporary file has a fixed name, so a crash leaves at most one and the next write reuses it; only one process
    may write a path. `durable=False` skips the syncs, for files that are rewritten anyway (health) and may be an old
    version after a power cut. `name_durable=False` skips only the folder's: then it is the old version or this one.

    Raises:
        OSError: the file system refuses (full, read-only, no permission); the old file is untouched.
    """
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        write_all(descriptor, data)
        if durable:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    if durable and name_durable:
        sync_folder(path.parent)


def copy_range(source: int, start: int, end: int, target: int) -> None:
    """Append the bytes from `start` to `end` of one open file to another, in bounded memory.

    Raises:
        OSError: the disk refuses, or the source ends before `end`.
    """
    position = start
    while position < end:
        chunk = os.pread(source, min(COPY_BYTES, end - position), position)
        if not chunk:
            raise OSError(errno.EIO, "the file became shorter while it was copied")
        write_all(target, chunk)
        position += len(chunk)
