"""The log, in Kafka's roles: whoever appends is a producer, whoever polls and commits is a consumer of a group.

`open_log` gives the log that `log.url` names. No process can tell which one it got.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol

from common.errors import LogError, SettingsError
from common.settings import Settings
from log import commits
from log.file import DEFAULT_COMPACT_BYTES, DEFAULT_WARN_BYTES, FileLog
from log.format import Record

__all__ = ["Group", "Log", "Position", "Record", "committed", "open_for", "open_log", "positions"]

LOOK_S = 3.0  # the longest wait for a cluster's word on all groups together: people and pages wait for it


class Group(Protocol):
    """A consumer group: at least once, in the order of offsets."""

    @property
    def position(self) -> int:
        """The offset that the next poll starts from."""

    @property
    def committed(self) -> int:
        """The offset of the first row that is not yet known to be safe elsewhere."""

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
        """Names this log; with an offset it names a row for ever."""

    @property
    def base_offset(self) -> int:
        """The first offset that the log may still hold."""

    @property
    def end_offset(self) -> int:
        """The offset that the next row will get."""

    def append(self, lines: Sequence[str]) -> int:
        """Append rows durably, all or none; the offset of the first. No row holds a control character but the tab."""

    def read(self, offset: int, max_records: int) -> list[Record]:
        """Rows from an offset on, for looking; no group is touched."""

    def group(self, name: str) -> Group: ...

    def trim(self) -> bool:
        """Drop what every group has consumed, if that is all of it or a large part; True if something went."""

    def close(self) -> None: ...


def open_log(
    url: str,
    data: Path | str,
    groups: Sequence[str] = (),
    *,
    compact_bytes: int = DEFAULT_COMPACT_BYTES,
    warn_bytes: int = DEFAULT_WARN_BYTES,
) -> Log:
    """Open the log, or make it.

    Args:
        url: ``"file"``, or ``"kafka://host:port/topic"``.
        data: the folder of ``server_data.txt``, its lock and its groups.
        groups: the groups for whom rows are kept until they have committed them; a group that is not listed
            here can read but holds nothing back.
        compact_bytes: consumed bytes from which rewriting the file is worth it.
        warn_bytes: file size from which a warning names the group that lags.

    Raises:
        LogError: the folder or the files cannot be used.
        SettingsError: the URL names neither, or the cluster's client is not installed.
    """
    if url == "file":
        return FileLog(data, groups, compact_bytes=compact_bytes, warn_bytes=warn_bytes)
    if not url.startswith("kafka://"):
        raise SettingsError("log.url", f'must be "file" or begin with kafka://, not {url!a}')
    opened: Log = _client().KafkaLog(url)
    return opened


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
    """What a group has committed, read without taking part: None if it never has.

    Raises:
        LogError: it cannot be read.
    """
    position = positions(settings, [group])[group]
    if position.problem:
        raise LogError(position.problem)
    return position.offset


class Position(NamedTuple):
    """How far a group has come."""

    offset: int | None  # None: it has never committed, or it is not known
    problem: str = ""  # why it is not known


def positions(settings: Settings, groups: Sequence[str]) -> dict[str, Position]:
    """What each group has committed, read without taking part; a cluster is waited for `LOOK_S` at most."""
    if settings.log.url == "file":
        return {group: _in_file(settings.paths.data, group) for group in groups}
    try:
        found = _client().committed(settings.log.url, groups, LOOK_S)
    except LogError as error:
        return {group: Position(None, str(error)) for group in groups}
    return {group: Position(offset) for group, offset in found.items()}


def _in_file(data: Path, group: str) -> Position:
    try:
        return Position(commits.read(data, group))
    except LogError as error:
        return Position(None, str(error))


def _client() -> ModuleType:
    try:
        from log import kafka  # noqa: PLC0415 - only a site with a cluster installs its client
    except ModuleNotFoundError as error:
        raise SettingsError("log.url", "a Kafka cluster needs its client: pip install 'hydrolog[kafka]'") from error
    return kafka
