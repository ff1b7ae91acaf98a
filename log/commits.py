"""A group's commit: the offset of the next row it wants, in a text file of two lines of 64 bytes.

The lines are written in turn, each with an increasing number and a CRC; the newest valid line counts. A write torn by a
power cut therefore leaves the previous commit, and a commit costs one write and one sync of a file that never changes
its size (a new file and a rename cost four times as much).
"""

import errno
import os
import re
from pathlib import Path
from zlib import crc32

from common.errors import LogError
from common.files import closed, replace, sync_folder
from common.folder import GROUPS_FOLDER

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
LINE_BYTES = 64
_PROOF_BYTES = len(" crc=00000000\n")
_LINE = re.compile(rb"offset=(\d{1,18}) +commit=(\d{1,18}) +crc=([0-9a-f]{8})\n")


def _format(offset: int, number: int) -> bytes:
    proved = f"offset={offset} commit={number}".ljust(LINE_BYTES - _PROOF_BYTES).encode()
    return b"%b crc=%08x\n" % (proved, crc32(proved))


def _parse(line: bytes) -> tuple[int, int] | None:
    """(number, offset) of a valid line; None if it is damaged."""
    found = _LINE.fullmatch(line)
    if not found or b"%08x" % crc32(line[:-_PROOF_BYTES]) != found[3]:
        return None
    return int(found[2]), int(found[1])


def _newest(data: bytes) -> tuple[int, int] | None:
    return max(filter(None, (_parse(data[:LINE_BYTES]), _parse(data[LINE_BYTES : 2 * LINE_BYTES]))), default=None)


def read(data: Path, group: str) -> int | None:
    """The committed offset of a group; None if its file is missing or neither line is valid."""
    try:
        newest = _newest((data / GROUPS_FOLDER / group).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogError(f"cannot read {data / GROUPS_FOLDER / group}: {error.strerror}") from error
    return newest[1] if newest else None


def read_all(data: Path) -> dict[str, int]:
    """The committed offset of every group that has a readable file."""
    paths = [path for path in sorted((data / GROUPS_FOLDER).glob("*")) if path.suffix == "" and path.is_file()]
    return {path.name: offset for path in paths if (offset := read(data, path.name)) is not None}


class CommitFile:
    """One group's file, kept open by the one process that holds the group."""

    def __init__(self, data: Path, group: str, missing: int) -> None:
        """Open the file, or create it with the commit `missing` if no commit can be read.

        Raises:
            ValueError: the name is not a plain file name.
        """
        if not NAME.fullmatch(group):
            raise ValueError(f"a group's name has letters, digits, - and _: {group!a}")
        self._path = data / GROUPS_FOLDER / group
        self.was_missing = read(data, group) is None
        if self.was_missing:
            replace(self._path, _format(missing, 0) + _format(missing, 1))
        self._open()

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            found = os.pread(descriptor, 2 * LINE_BYTES, 0)
            newest = _newest(found)
            if newest is None:
                raise LogError(f"cannot read {self._path}: it changed while it was opened")
            self._inode = os.fstat(descriptor).st_ino
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor, self._known = descriptor, found
        self._number, self.offset = newest
        self._name_is_durable = False  # its creator may have been killed before the folder's sync

    def write(self, offset: int) -> None:
        """Commit durably; the older line is overwritten.

        Raises:
            OSError: the disk refuses; the file holds the previous commit or this one.
        """
        if not self._is_at_path():
            self._path.parent.mkdir(exist_ok=True)
            replace(self._path, _format(offset, 0) + _format(offset, 1))
            lost = self._descriptor
            self._open()
            os.close(lost)
            return
        number, newest = self._look()
        number, offset = number + 1, max(offset, newest)
        # The number decides which place is overwritten, so both lines are never lost at once.
        place = number % 2 * LINE_BYTES
        line = _format(offset, number)
        if os.pwrite(self._descriptor, line, place) != LINE_BYTES:
            raise OSError(errno.ENOSPC, "the commit was not written whole")
        self._known = self._known[:place] + line + self._known[place + LINE_BYTES :]
        os.fdatasync(self._descriptor)
        if not self._name_is_durable:
            sync_folder(self._path.parent)
            self._name_is_durable = True
        self._number, self.offset = number, offset

    def _look(self) -> tuple[int, int]:
        """The newest commit (number, offset), read from the file so that a second committing process cannot move it
        back."""
        found = os.pread(self._descriptor, 2 * LINE_BYTES, 0)
        ours = self._number, self.offset
        return ours if found == self._known else max(ours, _newest(found) or ours)

    def _is_at_path(self) -> bool:
        """Whether the open file is still the one at the path."""
        try:
            return os.stat(self._path).st_ino == self._inode  # noqa: PTH116 - hot path
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the file; may be called again."""
        self._descriptor = closed(self._descriptor)
