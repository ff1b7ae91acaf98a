"""A drive that notes what it was told to keep: with this folder in PYTHONPATH, and DRIVE_TRACE set.

Python imports it by its name at every start. It wraps what the process does through `os` to the files of one folder,
and notes it in one journal, a line a call, so that a power cut can take what was not synced (`drive.py` reads it):

    w <inode> <start> <end>               bytes are about to be written
    s <inode> <place in the journal>      what was noted before this place is on disk: of a file, or a folder's names
    n <inode> <monotonic s> <kept> <path> a name in the folder `inode` will change; its earlier file: `kept`, or -

A change is noted before it is made, and a sync after it: what another process saw and synced counts as synced. The
bytes of an earlier file stay, under a second name beside the journal. Postgres is another program: its files are not
followed.
"""

import itertools
import os
import stat
import time
from collections.abc import Callable
from typing import Any

ROOT, _, BESIDE = os.environ.get("DRIVE_TRACE", "").partition(":")  # the folder that is followed, the journal's folder
CALLS = ("open", "write", "pwrite", "fdatasync", "fsync", "replace", "rename", "unlink")

_real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
_numbers = itertools.count()


def _note(*words: object) -> None:
    _real["write"](_journal, (" ".join(map(str, words)) + "\n").encode())


def _followed(path: Any) -> bool:
    text = os.path.abspath(os.fspath(path)) + "/"  # noqa: PTH100 - no pathlib: every start would wait for it
    return text.startswith(f"{ROOT}/") and not text.startswith(f"{ROOT}/postgres/")


def _file(descriptor: int) -> os.stat_result | None:
    """The state of an open file or folder, if it is followed."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
    except OSError:
        return None
    return os.fstat(descriptor) if _followed(path) else None


def _keep(path: Any) -> str:
    """Keep the file at a path under a second name; "-": there is none."""
    kept = f"{os.getpid()}-{next(_numbers)}"
    try:
        os.link(path, f"{BESIDE}/{kept}")
    except OSError:
        return "-"
    return kept


def _changed(path: Any, kept: str) -> None:
    whole = os.path.abspath(os.fspath(path))  # noqa: PTH100
    folder = os.stat(os.path.dirname(whole)).st_ino  # noqa: PTH116, PTH120
    _note("n", folder, time.monotonic(), kept, whole)


def _open(path: Any, flags: int, *rest: Any, **named: Any) -> int:
    is_new = flags & os.O_CREAT and _followed(path) and not os.path.lexists(path)
    if is_new:
        _changed(path, "-")
    descriptor: int = _real["open"](path, flags, *rest, **named)
    return descriptor


def _written(name: str, descriptor: int, data: Any, *place: int) -> int:
    found = _file(descriptor)
    if found and stat.S_ISREG(found.st_mode):
        start = place[0] if place else max(os.lseek(descriptor, 0, os.SEEK_CUR), _appends(descriptor) * found.st_size)
        _note("w", found.st_ino, start, start + len(data))
    written: int = _real[name](descriptor, data, *place)
    return written


def _appends(descriptor: int) -> bool:
    with open(f"/proc/self/fdinfo/{descriptor}") as file:  # noqa: PTH123
        flags = next(int(line.split()[1], 8) for line in file if line.startswith("flags:"))
    return bool(flags & os.O_APPEND)


def _synced(name: str, descriptor: int) -> None:
    found = _file(descriptor)
    place = os.fstat(_journal).st_size
    _real[name](descriptor)
    if found:
        _note("s", found.st_ino, place)


def _moved(name: str, source: Any, target: Any, **named: Any) -> None:
    if _followed(target):
        _changed(target, _keep(target))
    _real[name](source, target, **named)


def _unlink(path: Any, **named: Any) -> None:
    if _followed(path):
        _changed(path, _keep(path))
    _real["unlink"](path, **named)


if ROOT:
    _journal = _real["open"](f"{BESIDE}/journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.open, os.unlink = _open, _unlink
    for _name in ("write", "pwrite"):
        setattr(os, _name, lambda *words, _name=_name: _written(_name, *words))
    for _name in ("fdatasync", "fsync"):
        setattr(os, _name, lambda descriptor, _name=_name: _synced(_name, descriptor))
    for _name in ("replace", "rename"):
        setattr(os, _name, lambda source, target, _name=_name, **named: _moved(_name, source, target, **named))
