"""All errors, with one root class. Each docstring is the default message.

Foreign exceptions (OSError, psycopg.Error, serial.SerialException ...) are converted to one of these where they occur,
with ``from``. Only `SettingsError` and `RoleTaken` end a process; after all others it waits and tries again.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class HydrologError(Exception):
    """Something went wrong in hydrolog."""

    exit_code = 1
    counters: Mapping[str, Any] = MappingProxyType({})  # published while a process waits, since its lag keeps growing

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").splitlines()[0]


class SettingsError(HydrologError):
    """A setting is missing or wrong."""

    exit_code = 2

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key


class RoleTaken(HydrologError):
    """Another process already holds this role on this data folder."""

    exit_code = 3

    def __init__(self, role: str, pid: str) -> None:
        super().__init__(f"the role {role} is held by process {pid}; end that one first")


class ChartsBusy(HydrologError):
    """too many charts are asked for at once; wait a few seconds"""


class RowRefused(HydrologError):
    """A text is not a row; `reason` is one word for the counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a row: {reason}")
        self.reason = reason


class FrameRefused(HydrologError):
    """Bytes from the line are not a reading; `reason` is one word for the counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a reading: {reason}")
        self.reason = reason


class PortError(HydrologError):
    """The serial line cannot be opened or read."""


class OtherEndClosed(PortError):
    """The other end closed the connection."""


class DatabaseDown(HydrologError):
    """The database does not answer."""


class DatabaseRefuses(DatabaseDown):
    """The database is there and refuses to everybody: it is read-only, its disk is full, or its user lacks a right."""


class CutShort(DatabaseDown):
    """The database, or the deadline, has ended a piece of work in the middle; another piece may go well."""


class OtherTables(DatabaseDown):
    """The tables of the database are of another version than this program."""


class SiteWorkFailed(HydrologError):
    """The database refuses or ends what a process does for a site; its log tells more."""


class Stopped(HydrologError):
    """This process was asked to stop."""


class LogError(HydrologError):
    """The log cannot be read or written."""


class DiskFull(LogError):
    """There is no room for the rows: nothing of this append is in the log."""


class NotDurable(LogError):
    """The rows are in the log from `first` on, but the disk has not confirmed them: do not append them again."""

    def __init__(self, first: int, problem: str) -> None:
        super().__init__(f"rows from offset {first} on are not confirmed by the disk: {problem}")
        self.first = first


class LockTimeout(LogError):
    """The log's lock was not free in time."""


class NotDelivered(HydrologError):
    """The server has not taken the rows; they are kept."""

    def __init__(self, problem: str, counters: Mapping[str, Any]) -> None:
        super().__init__(problem)
        self.counters = counters


class NoSuchSensor(HydrologError):
    """The sensor is not registered."""


class ModelUnusable(HydrologError):
    """A model file is missing, damaged or of another version."""


class CriteriaUnusable(HydrologError):
    """The criteria cannot be read or built."""


class HistoryTooShort(CriteriaUnusable):
    """There are too few good weeks to learn criteria from."""

    exit_code = 4
