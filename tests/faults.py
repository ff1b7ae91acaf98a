"""A disk that fails and a power that goes: the os functions under a folder, wrapped.

Two things can be asked of it. The n-th call that changes something fails, once or several times in a row, with an
error or with half a write. Or the power goes at the n-th call: what was not synced is kept, dropped or torn, file by
file, and names that were not synced are gone, in the order of the journal. A sync that fails leaves its bytes
readable and clean, so that only writing them anew brings them to the disk (as Linux does).
"""

import errno
import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CALLS = ("open", "write", "pwrite", "ftruncate", "fdatasync", "fsync", "replace", "unlink", "mkdir")
WRITES = ("write", "pwrite")


class PowerCut(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


@dataclass(eq=False)
class File:
    """What the disk has of a file, and what was done since."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # (place, bytes), or (size, None): cut

    def settle(self, chance: random.Random | None) -> bytes:
        """The content after the pending changes; with `chance`, after a power cut."""
        content = bytearray(self.durable)
        for place, data in self.pending:
            fate = chance.choice(["kept", "dropped", "torn", "zeros"]) if chance else "kept"
            if fate == "dropped":
                continue
            if data is None:
                del content[place:]
                content.extend(bytes(place - len(content)))
                continue
            kept = chance.randrange(len(data) + 1) if chance and fate == "torn" else len(data)
            content.extend(bytes(max(place + kept - len(content), 0)))  # the size comes before the bytes
            if fate != "zeros":
                content[place : place + kept] = data[:kept]
        return bytes(content)


Change = tuple[Path, File | None]  # a name that stands for a file now, or for none


class Disk:
    """The disk under one folder.

    Args:
        fail_at: the number of the call that fails (from 1); 0: none.
        times: how many calls fail in a row.
        error: with which errno; a write is made halfway first if `short`.
        cut_at: the number of the call before which the power goes; 0: it stays.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fail_at: int = 0,
        times: int = 1,
        error: int = errno.EIO,
        short: bool = False,
        cut_at: int = 0,
    ) -> None:
        self.folder = folder
        self._prefix = str(folder)
        self.count = 0
        self.called: list[str] = []
        self.failed: list[str] = []
        self._fail = range(fail_at, fail_at + times) if fail_at else range(0)
        self._error = error
        self._short = short
        self._cut_at = cut_at
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
        self._real["close"] = os.close
        self._files: dict[int, File] = {}  # by inode
        self._durable_names: dict[Path, File | None] = {}
        self._names_pending: dict[Path, list[Change]] = {}  # by folder
        self._open: dict[int, tuple[Path, int]] = {}  # descriptor -> path, flags

    @contextmanager
    def watched(self) -> Iterator["Disk"]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._wrapped(name))
            patch.setattr(os, "close", self._close)
            yield self

    # --- the calls

    def _wrapped(self, name: str) -> Callable[..., Any]:
        handler: Callable[..., Any] = self._create if name == "open" else getattr(self, f"_{name}")

        def call(*arguments: Any, **keywords: Any) -> Any:
            target = arguments[0]
            ours = target in self._open if isinstance(target, int) else str(target).startswith(self._prefix)
            if not ours or (name == "open" and not self._changes(*arguments)):
                result = self._real[name](*arguments, **keywords)
                if ours and name == "open":
                    self._open[result] = (Path(target), arguments[1])
                return result
            self.called.append(name)
            self.count += 1
            if self.count == self._cut_at:
                raise PowerCut(name)
            fails = self.count in self._fail
            if fails:
                self.failed.append(name)
                if self._short and name in WRITES and len(arguments[1]) > 1:
                    half = memoryview(arguments[1])[: len(arguments[1]) // 2]
                    return handler(target, half, *arguments[2:])
                if name in ("fdatasync", "fsync") and target in self._open:
                    self._forget_pending(target)
                raise OSError(self._error, os.strerror(self._error), str(target))
            return handler(*arguments, **keywords)

        return call

    @staticmethod
    def _changes(path: Path, flags: int, *_: int) -> bool:
        return bool(flags & os.O_CREAT) or bool(flags & os.O_DIRECTORY) or bool(flags & os.O_RDWR)

    def _file(self, descriptor: int) -> File:
        return self._files.setdefault(os.fstat(descriptor).st_ino, File())

    def _close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        self._real["close"](descriptor)

    def _create(self, path: Path, flags: int, mode: int = 0o777) -> int:
        path = Path(path)
        is_new = not os.path.lexists(path)
        descriptor: int = self._real["open"](path, flags, mode)
        self._open[descriptor] = (path, flags)
        if is_new:
            self._files[os.fstat(descriptor).st_ino] = File()
            self._name(path, self._file(descriptor))
        elif flags & os.O_TRUNC:
            self._file(descriptor).pending.append((0, None))
        return descriptor

    def _write(self, descriptor: int, data: bytes) -> int:
        appends = self._open[descriptor][1] & os.O_APPEND
        place = os.fstat(descriptor).st_size if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
        written: int = self._real["write"](descriptor, data)
        self._file(descriptor).pending.append((place, bytes(data[:written])))
        return written

    def _pwrite(self, descriptor: int, data: bytes, place: int) -> int:
        written: int = self._real["pwrite"](descriptor, data, place)
        self._file(descriptor).pending.append((place, bytes(data[:written])))
        return written

    def _ftruncate(self, descriptor: int, size: int) -> None:
        self._real["ftruncate"](descriptor, size)
        self._file(descriptor).pending.append((size, None))

    def _fdatasync(self, descriptor: int) -> None:
        path, _ = self._open[descriptor]
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            for name, file in self._names_pending.pop(path, []):
                self._durable_names[name] = file
            return
        file = self._file(descriptor)
        file.durable, file.pending = file.settle(None), []

    _fsync = _fdatasync

    def _forget_pending(self, descriptor: int) -> None:
        """The kernel has told of the error once, and takes the pages for clean from now on."""
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._file(descriptor).pending = []

    def _replace(self, source: Path, target: Path) -> None:
        file = self._files[Path(source).stat().st_ino]
        self._real["replace"](source, target)
        self._name(Path(source), None)
        self._name(Path(target), file)

    def _unlink(self, path: Path) -> None:
        self._real["unlink"](path)
        self._name(Path(path), None)

    def _mkdir(self, path: Path, *mode: int) -> None:
        self._real["mkdir"](path, *mode)

    def _name(self, path: Path, file: File | None) -> None:
        self._names_pending.setdefault(path.parent, []).append((path, file))

    # --- after the power cut

    def come_back(self, chance: random.Random) -> None:
        """Make the folder what a disk may hold after the power went."""
        for changes in self._names_pending.values():
            for name, file in changes[: chance.randrange(len(changes) + 1)]:
                self._durable_names[name] = file
        contents = {name: file.settle(chance) for name, file in self._durable_names.items() if file}
        for path in [path for path in self.folder.rglob("*") if path.is_file()]:
            if path not in contents:
                path.unlink()
        for path, content in contents.items():
            # In place where the file is there already: the lock file keeps its inode, as it would.
            path.write_bytes(content)
