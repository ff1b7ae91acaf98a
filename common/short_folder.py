"""A private folder with a short, plain path: for sockets, whose paths are limited, and programs that split paths."""

import os
import re
import tempfile
from pathlib import Path

LONGEST_SOCKET = 107  # bytes of a socket's path without the final zero: sockaddr_un in sys/un.h
LONGEST_BASE = 40  # bytes for the folder of temporary files: leaves room for the names below
PLAIN = re.compile(r"/[A-Za-z0-9/_.+-]*", re.ASCII)  # no character with a meaning in a list, a shell or a settings file
PREFIX = "hydrolog-"


def fits_socket(path: Path) -> bool:
    """Whether a socket can be created at this path, and the path can be part of a list."""
    return PLAIN.fullmatch(str(path)) is not None and len(str(path)) <= LONGEST_SOCKET


def _base() -> Path:
    base = tempfile.gettempdir()
    usable = PLAIN.fullmatch(base) and len(base) <= LONGEST_BASE and os.access(base, os.W_OK | os.X_OK)
    return Path(base if usable else "/tmp")


def make() -> Path:
    """Create a new one that only this user can enter, with a name that nobody can guess.

    Raises:
        OSError: no suitable place exists.
    """
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=_base()))


def left() -> list[Path]:
    """This user's existing folders: each belongs to a process that is running or was killed."""
    return [path for path in _base().glob(f"{PREFIX}*") if is_ours(path) and path.stat().st_uid == os.getuid()]


def is_ours(path: Path) -> bool:
    """Whether `path` is such a folder, owned by this user or by one that this user gave it to."""
    return path.name.startswith(PREFIX) and path.is_dir() and not path.is_symlink() and not path.stat().st_mode & 0o077
