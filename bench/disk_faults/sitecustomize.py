"""A disk that fails: with this folder in PYTHONPATH, and while the file named by SOAK_DISK is there.

Python imports it by its name at every start. It wraps what the process does to the files of one folder: a full file
system of its own needs root, one that answers EIO needs the device mapper, this needs neither. The file holds the
folder, what is wrong with it, and the share of calls that feel it:

    full      no file grows, and nothing is free, until the log's reserve is given up
    write     a write that changes a file answers EIO
    sync      a sync answers EIO

A write that fails may get halfway first, as a real one. Postgres is another program and does not feel it: its data
lies on a disk of its own, as it were.
"""

import errno
import os
import random
import stat
from collections.abc import Callable
from typing import Any

CONTROL = os.environ.get("SOAK_DISK", "")
RESERVE = "server_data.reserve"
CALLS = ("write", "pwrite", "fdatasync", "fsync", "posix_fallocate", "statvfs")

_real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}


def _wrong(target: Any) -> str:
    """What this call feels of the trouble with the disk, if the file is on it; "" if all is well."""
    try:
        with open(CONTROL, encoding="utf-8") as file:  # noqa: PTH123 - no pathlib: every start would wait for it
            folder, kind, share = file.read().split()
        path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else os.fspath(target)  # noqa: PTH115
    except (OSError, ValueError):  # the trouble is over, or just coming
        return ""
    if not f"{path}/".startswith(f"{folder}/") or random.random() >= float(share):
        return ""
    # What was the reserve's room can be written to, but `statvfs` sees nothing to spare.
    return "given up" if kind == "full" and not os.path.exists(f"{folder}/{RESERVE}") else kind  # noqa: PTH110


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _written(name: str, descriptor: int, data: Any, place: int | None) -> int:
    number = {"full": errno.ENOSPC, "write": errno.EIO}.get(_wrong(descriptor), 0)
    where = () if place is None else (place,)
    if number == errno.ENOSPC and not _grows(descriptor, len(data), place):
        number = 0
    if number and (len(data) < 2 or random.random() < 0.5):
        raise _error(number)
    written: int = _real[name](descriptor, memoryview(data)[: len(data) // 2] if number else data, *where)
    return written


def _grows(descriptor: int, count: int, place: int | None) -> bool:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return False
    return (os.lseek(descriptor, 0, os.SEEK_CUR) if place is None else place) + count > found.st_size


def _write(descriptor: int, data: Any) -> int:
    return _written("write", descriptor, data, None)


def _pwrite(descriptor: int, data: Any, place: int) -> int:
    return _written("pwrite", descriptor, data, place)


def _fdatasync(descriptor: int) -> None:
    if _wrong(descriptor) == "sync":
        raise _error(errno.EIO)
    _real["fdatasync"](descriptor)


def _fsync(descriptor: int) -> None:
    if _wrong(descriptor) == "sync":
        raise _error(errno.EIO)
    _real["fsync"](descriptor)


def _posix_fallocate(descriptor: int, offset: int, length: int) -> None:
    if _wrong(descriptor) in ("full", "given up"):
        raise _error(errno.ENOSPC)
    _real["posix_fallocate"](descriptor, offset, length)


def _statvfs(target: Any) -> os.statvfs_result:
    found: os.statvfs_result = _real["statvfs"](target)
    if _wrong(target) in ("full", "given up"):
        fields = list(found[:11])
        fields[3] = fields[4] = 0  # f_bfree, f_bavail
        return os.statvfs_result(fields)
    return found


if CONTROL:
    for _name in CALLS:
        setattr(os, _name, globals()[f"_{_name}"])
