"""The log as one readable file, `server_data.txt`.

A process's view of the file is in `log.state`, appending in `log.append`, reading in `log.group`, shortening the file
in `log.reset`.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

from log.append import Appender
from log.format import Record
from log.group import FileGroup
from log.reset import Trimmer
from log.state import LogState

DEFAULT_COMPACT_BYTES = 16 * 1024 * 1024
DEFAULT_WARN_BYTES = 256 * 1024 * 1024


class FileLog:
    """See `log.roles.Log`. Not thread-safe; any number of processes may use the file."""

    def __init__(self, data: Path | str, groups: Sequence[str], *, compact_bytes: int, warn_bytes: int) -> None:
        self._state = LogState(Path(data), groups)
        self._appender = Appender(self._state)
        self._trimmer = Trimmer(self._state, groups, compact_bytes, warn_bytes)

    @property
    def log_id(self) -> str:
        return self._state.log_id

    def id_of(self, offset: int) -> str:
        return self._state.id_of(offset)

    @property
    def base_offset(self) -> int:
        self._state.refresh()
        return self._state.header.base

    @property
    def end_offset(self) -> int:
        return self._state.end_offset

    def append(self, lines: Sequence[str]) -> int:
        """Append rows, all or none; returns their first offset once they are on disk.

        Raises:
            DiskFull: no room; nothing of this append is in the log.
            NotDurable: the rows are in the log from `first` on, but the disk did not confirm them. Do not append them
                again: the next append confirms them first.
            LogError: nothing of this append is in the log.
            ValueError: a line holds a control character (a line break, say) other than a tab, is empty or too long.
        """
        self._state.check_open()
        return self._appender.append(lines)

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Rows from `offset` on, without a group or a sync: for people and at startup."""
        state = self._state
        state.refresh()
        with state.os_errors("read"):
            lines = state.file.lines(state.file.seek(offset, state.end), state.end)
            found = (line.record for line in lines if line.record and line.record.offset >= offset)
            return list(itertools.islice(found, max(max_records, 0)))

    def group(self, name: str) -> FileGroup:
        """Join a group; only one process at a time, the one that holds the group's role.

        Raises:
            ValueError: not a valid group name, which is also a file name.
        """
        state = self._state
        with state.os_errors("open a group"), state.lock.held():
            return FileGroup(state, state.open_commit(name))

    def trim(self) -> bool:
        """Drop the rows that every listed group has consumed; True if the file was replaced."""
        with self._state.os_errors("reset"):
            return self._trimmer.trim()

    def close(self) -> None:
        """Close the files; may be called again. Any other call afterwards raises LogError."""
        self._state.close()
