"""Small files that are replaced whole: a reader sees the old one or the new one, never a part."""

import errno
import os
from pathlib import Path

COPY_BYTES = 1024 * 1024
CLOSED = -1  # in the place of a descriptor that was let go of

Stamp = tuple[int, int, int]


def closed(descriptor: int) -> int:
    """Close a descriptor that may be closed already; what to keep in its place.

    A number that is kept would soon be that of another open file, and a second close would close that one.
    """
    if descriptor != CLOSED:
        os.close(descriptor)
    return CLOSED


def stamp(path: Path) -> Stamp | None:
    """What changes when the file is replaced; None if there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size


def open_lock_file(path: Path) -> int:
    """A descriptor of the lock file, which is made if it is missing; a symbolic link is refused."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a rename is not on disk before this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however short each write is."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o640) -> None:
    """Replace `path` by a file holding `data`: temporary file, sync, rename, sync of the folder.

    The temporary file has a fixed name, so a crash leaves at most one behind and the next write uses it again;
    one path therefore has one writing process. With `durable=False` the syncs are left out: for files that are
    made anew anyway (health), where an old version after a power cut does no harm.

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
    if durable:
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
