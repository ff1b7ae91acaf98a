"""A drive with a volatile cache: what it has of a folder's files after the power went.

The processes of the box note each of their writes, syncs and changed names (`drive_trace/sitecustomize.py`). After
they were killed, `lose` makes the folder what a drive may hold that lost its cache:

- A name that was made, replaced or removed, and whose folder was not synced since, may be as before. The file system
  keeps the order of such changes and writes them out every five seconds: the last ones are undone, back to one of
  these five seconds.
- Bytes that were written and not synced since may be absent from some point on: cut off at the end of a file, NULs
  elsewhere or with the file's size already written. So a file replaced without a sync may be empty or all NULs.

Not modelled: bytes that change by themselves, a drive that lies about a sync, the undoing of a cut (`ftruncate`), and
Postgres's files: they stay as a kill leaves them.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TRACE = Path(__file__).parent / "drive_trace"
LAST_S = 5.0  # ext4's commit interval


@dataclass(frozen=True)
class ChangedName:
    at_s: float
    kept: str  # the earlier file's second name; "-": there was none
    path: Path


@dataclass
class Cache:
    """What is not on disk yet."""

    bytes_of: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # inode -> its ranges
    names_of: dict[int, list[ChangedName]] = field(default_factory=dict)  # inode of the folder -> changes in order
    earlier: dict[Path, list[Path]] = field(default_factory=dict)  # each path's earlier files, synced or not

    def durable_bytes(self, path: Path) -> bytes:
        """The beginning of a file that is on disk for certain."""
        content = path.read_bytes()
        return content[: min((start for start, _ in self.bytes_of.get(path.stat().st_ino, [])), default=len(content))]


class Drive:
    """The drive under one folder; `beside` is a folder on the same file system for the journal."""

    def __init__(self, folder: Path, beside: Path) -> None:
        self._folder, self._beside = folder.resolve(), beside.resolve()
        self._beside.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a Python process note what it does."""
        above = [str(TRACE), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(above), "DRIVE_TRACE": f"{self._folder}:{self._beside}"}

    def cache(self) -> Cache:
        """What is not on disk now, from the journal."""
        found = Cache()
        place = 0
        through: dict[int, int] = {}  # inode -> the place in the journal up to which it is on disk
        noted: list[tuple[int, list[str]]] = []
        for line in self._lines():
            words = line.decode().rstrip("\n").split(" ", 4)
            if words[0] == "s":
                through[int(words[1])] = max(int(words[2]), through.get(int(words[1]), 0))
            else:
                noted.append((place, words))
            place += len(line)
        for place, (kind, inode, *rest) in noted:
            on_disk = place < through.get(int(inode), 0)
            if kind == "w" and not on_disk:
                found.bytes_of.setdefault(int(inode), []).append((int(rest[0]), int(rest[1])))
            elif kind == "n":
                change = ChangedName(float(rest[0]), rest[1], Path(rest[2]))
                if change.kept != "-":
                    found.earlier.setdefault(change.path, []).append(self._beside / change.kept)
                if not on_disk:
                    found.names_of.setdefault(int(inode), []).append(change)
        return found

    def _lines(self) -> Iterator[bytes]:
        journal = self._beside / "journal"
        if journal.exists():
            with journal.open("rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))

    def lose(self, cache: Cache, chance: random.Random) -> list[str]:
        """Make the folder what the drive may hold; returns what was lost. Nothing may use the folder meanwhile."""
        since_s = time.monotonic() - LAST_S
        changes = [change for names in cache.names_of.values() for change in names if change.at_s > since_s]
        changes.sort(key=lambda change: change.at_s)
        lost = []
        for change in reversed(changes[chance.randrange(len(changes) + 1) :]):
            if self._undo(change):
                lost.append(f"as before: {change.path.relative_to(self._folder)}")
        for path in sorted(self._folder.rglob("*")):
            ranges = cache.bytes_of.get(path.lstat().st_ino, [])
            if ranges and path.is_file() and (said := _lose_bytes(path, ranges, chance)):
                lost.append(f"{said}: {path.relative_to(self._folder)}")
        return lost

    def _undo(self, change: ChangedName) -> bool:
        if change.path.is_dir():
            return False
        if change.kept == "-":
            change.path.unlink(missing_ok=True)
        else:
            (self._beside / change.kept).replace(change.path)
        return True

    def forget(self) -> None:
        """Begin anew: what is in the folder now is on disk."""
        for path in self._beside.iterdir():
            path.unlink()


def _lose_bytes(path: Path, ranges: list[tuple[int, int]], chance: random.Random) -> str:
    size = path.stat().st_size
    start, end = min(first for first, _ in ranges), min(max(last for _, last in ranges), size)
    fate = chance.choice(["kept", "absent", "torn"])
    if fate == "kept" or start >= end:
        return ""
    at = start if fate == "absent" else chance.randrange(start, end)
    if end == size and chance.random() < 0.5:
        os.truncate(path, at)
        return f"cut at {at} of {size}"
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(end - at))
    return f"NULs from {at} to {end} of {size}"
