"""A private folder with a short, plain path: for sockets, which have a limit, and for programs that split paths."""

import os
import re
import tempfile
from pathlib import Path

LONGEST_SOCKET = 107  # bytes of a socket's path, without the last zero: sockaddr_un in sys/un.h
LONGEST_BASE = 40  # of them, for the folder of all temporary files: leaves room for the names below
PLAIN = re.compile(r"/[A-Za-z0-9/_.+-]*", re.ASCII)  # no sign that a list, a shell or a settings file gives a meaning
PREFIX = "hydrolog-"


def fits_socket(path: Path) -> bool:
    """Whether a socket of this path can be made, and named in a list of places."""
    return PLAIN.fullmatch(str(path)) is not None and len(str(path)) <= LONGEST_SOCKET


def _base() -> Path:
    base = tempfile.gettempdir()
    usable = PLAIN.fullmatch(base) and len(base) <= LONGEST_BASE and os.access(base, os.W_OK | os.X_OK)
    return Path(base if usable else "/tmp")


def make() -> Path:
    """A new one; only this user can enter it, and nobody could take its name before.

    Raises:
        OSError: there is no place for it.
    """
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=_base()))


def left() -> list[Path]:
    """Those of this user that are there: each belongs to a process that runs, or that was killed."""
    return [path for path in _base().glob(f"{PREFIX}*") if is_ours(path) and path.stat().st_uid == os.getuid()]


def is_ours(path: Path) -> bool:
    """Whether `path` is such a folder, and of this user or of one that it trusted with it."""
    return path.name.startswith(PREFIX) and path.is_dir() and not path.is_symlink() and not path.stat().st_mode & 0o077
