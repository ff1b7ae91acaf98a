"""Files of lines that any process of the box may append to, and that are never changed."""

import fcntl
import os
from pathlib import Path

from common import files


def append(path: Path, line: bytes, most_bytes: int = 0) -> None:
    """Append one line; it is on disk on return. A torn last line is ended first.

    A file that has reached `most_bytes` becomes `earlier(path)`, in place of the one before it.

    Raises:
        OSError: the disk is full or the folder may not be written; nothing was stored.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # the processes of one box; held for one write
            if not _is_at(path, descriptor):
                continue  # another process has just made it the earlier one
            end = os.fstat(descriptor).st_size
            if most_bytes and end >= most_bytes:
                path.rename(earlier(path))
                continue
            _append(descriptor, end, line)
        finally:
            os.close(descriptor)
        if not end:
            files.sync_folder(path.parent)
        return


def earlier(path: Path) -> Path:
    """Where the lines are that came before those of the file."""
    return path.with_name(path.name + ".1")


def read(path: Path, most_bytes: int) -> list[bytes]:
    """The lines of a file; none without a file, or without the right to read it."""
    try:
        with path.open("rb") as file:
            return [line for line in file.read(most_bytes).splitlines() if line]
    except OSError:
        return []


def _is_at(path: Path, descriptor: int) -> bool:
    ours = os.fstat(descriptor)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _append(descriptor: int, end: int, line: bytes) -> None:
    torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
    try:
        files.write_all(descriptor, b"\n" * torn + line + b"\n")
    except OSError:
        os.ftruncate(descriptor, end)
        raise
    os.fdatasync(descriptor)
