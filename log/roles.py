"""The log in Kafka's roles: a producer appends; a consumer of a group polls and commits."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from common.errors import LogError, SettingsError
from common.settings import Settings
from common.settings_checks import FILE, NO_LOG
from log import commits
from log.file import DEFAULT_COMPACT_BYTES, DEFAULT_WARN_BYTES, FileLog
from log.format import Record

__all__ = ["Group", "Log", "Position", "Record", "committed", "needs_file", "open_for", "open_log", "positions"]


_A_TOPIC = (
    "names a topic of all sites: a center's, in which this program has no work; on a box it is "
    '"file", and server.url = "kafka://..." ships the rows to a cluster'
)
_NO_LOG = 'is "none": a center without a log, in which this program has no work; on a box it is "file"'


class Group(Protocol):
    """A consumer group: rows are delivered at least once, in the order of offsets."""

    @property
    def position(self) -> int:
        """The offset at which the next poll starts."""

    @property
    def committed(self) -> int:
        """The offset of the first row not yet known to be safe elsewhere."""

    @property
    def lag(self) -> int:
        """Offsets between the commit and the log's end."""

    def poll(self, max_records: int) -> list[Record]:
        """The next rows, durable, at most `max_records`; empty at the end. Never waits."""

    def commit(self, offset: int) -> None:
        """All rows before `offset` are safe elsewhere. Durable on return; never moves back."""

    def seek(self, offset: int) -> None:
        """Poll from this offset next."""

    def close(self) -> None: ...


class Log(Protocol):
    @property
    def log_id(self) -> str:
        """The log's id; together with an offset it identifies a row permanently."""

    def id_of(self, offset: int) -> str:
        """The id that names the row at an offset: `log_id`, but for rows that came along in a copy the original's."""

    @property
    def base_offset(self) -> int:
        """The first offset that the log may still hold."""

    @property
    def end_offset(self) -> int:
        """The offset that the next row will get."""

    def append(self, lines: Sequence[str]) -> int:
        """Append rows durably, all or none; returns the first offset. Control characters other than the tab are
        refused."""

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Rows from an offset on, for inspection; groups are not affected."""

    def group(self, name: str) -> Group: ...

    def trim(self) -> bool:
        """Drop the rows that every group has consumed, if these are all rows or a large part; True if rows were
        dropped."""

    def close(self) -> None: ...


def open_log(
    url: str,
    data: Path | str,
    groups: Sequence[str] = (),
    *,
    compact_bytes: int = DEFAULT_COMPACT_BYTES,
    warn_bytes: int = DEFAULT_WARN_BYTES,
) -> Log:
    """Open or create the log.

    Args:
        url: ``"file"``.
        data: the folder of ``server_data.txt``, its lock and its groups.
        groups: rows are kept until these groups have committed them; a group that is not listed can read but keeps no
            rows.
        compact_bytes: consumed bytes above which the file is rewritten.
        warn_bytes: file size above which a warning names the lagging group.

    Raises:
        LogError: the folder or the files cannot be used.
        SettingsError: the URL is another one.
    """
    if url != FILE:
        raise _not_a_file(url)
    return FileLog(data, groups, compact_bytes=compact_bytes, warn_bytes=warn_bytes)


def needs_file(settings: Settings) -> None:
    """What a process of a box asks before it begins.

    Raises:
        SettingsError: the settings are those of a center.
    """
    if settings.is_center:
        raise _not_a_file(settings.log.url)


def _not_a_file(url: str) -> SettingsError:
    return SettingsError("log.url", _NO_LOG if url == NO_LOG else _A_TOPIC)


def open_for(settings: Settings) -> Log:
    """The log that the settings name."""
    chosen = settings.log
    return open_log(
        chosen.url,
        settings.paths.data,
        chosen.groups,
        compact_bytes=chosen.compact_bytes,
        warn_bytes=chosen.warn_bytes,
    )


def committed(settings: Settings, group: str) -> int | None:
    """What a group of the box has committed, read without joining it; None if it never has.

    Raises:
        LogError: it cannot be read.
    """
    position = _in_file(settings.paths.data, group)
    if position.problem:
        raise LogError(position.problem)
    return position.offset


class Position(NamedTuple):
    """How far a group has come."""

    offset: int | None  # None: never committed, or unknown
    problem: str = ""  # why it is unknown


def positions(settings: Settings, groups: Sequence[str]) -> dict[str, Position]:
    """What each group has committed, read without joining it; nothing in a center, which has none."""
    if settings.is_center:
        return {}
    return {group: _in_file(settings.paths.data, group) for group in groups}


def _in_file(data: Path, group: str) -> Position:
    try:
        return Position(commits.read(data, group))
    except LogError as error:
        return Position(None, str(error))
