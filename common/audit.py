"""Who did what, when, and from where: one line each in `audit.jsonl` of the data folder, never changed.

The page and the commands write it; the archive copies it to AUDIT_TB. A line that cannot be read costs only itself.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec

from common import line_file
from common.clock import from_environment
from common.errors import HydrologError
from common.folder import AUDIT_FILE
from common.state_file import StateUnusable, parse

MOST_BYTES = 2 * 1024 * 1024  # then the file is the earlier one: together some 20,000 entries, a year of a busy site
MOST_TEXT = 300  # characters of a value
MOST_VALUES = 20  # of an entry

Value = str | int | float | bool | None


class Actor(NamedTuple):
    """Who does it: a user or, at the box, somebody with a login there; and from where."""

    name: str
    address: str = ""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that one person did.

    Attributes:
        id: unique; the same entry read twice is one.
        by: the user's name; empty if nobody was logged in.
        address: of the browser; empty for a command at the box.
        what: a short code with a hyphen, such as `user-added`.
        values: what it was about; `before` and `after` where these are short.
    """

    id: str
    at: datetime
    by: str
    address: str
    what: str
    values: dict[str, Value] = {}

    def __post_init__(self) -> None:
        """A time without a zone could not be compared with others; no database can hold a NUL."""
        if self.at.tzinfo is None or not 1970 <= self.at.year <= 9000:
            raise ValueError(f"{self.at} is not the time of an entry")
        if any("\0" in text for text in (self.id, self.by, self.address, self.what, *self.values)):
            raise ValueError("a NUL in a text")


class AuditUnwritable(HydrologError):
    """What was to be done could not be written down, so it has not been done."""


def record(data: Path, user: str, address: str, what: str, /, **values: Value) -> None:
    """Write down what a user did; it is on disk on return. Call it before the change itself.

    Raises:
        AuditUnwritable: the disk is full or the folder may not be written.
    """
    short = {name: _line(value) for name, value in [*values.items()][:MOST_VALUES]}
    entry = Entry(uuid4().hex, from_environment().now(), str(_line(user)), str(_line(address)), what, short)
    try:
        line_file.append(data / AUDIT_FILE, msgspec.json.encode(entry), MOST_BYTES)
    except OSError as error:
        raise AuditUnwritable(f"cannot write {data / AUDIT_FILE}: {error.strerror}") from error


def last(data: Path, **values: Value) -> Entry | None:
    """The newest entry with these values."""
    short = {name: _line(value) for name, value in values.items()}
    return next((entry for entry in reversed(load(data)[0]) if short.items() <= entry.values.items()), None)


def load(data: Path) -> tuple[list[Entry], int]:
    """All entries, oldest first, and how many lines could not be read."""
    path = data / AUDIT_FILE
    known: dict[str, Entry] = {}
    damaged = 0
    for file in (line_file.earlier(path), path):
        for line in line_file.read(file, 2 * MOST_BYTES):
            try:
                entry = parse(line, Entry)
            except StateUnusable:
                damaged += 1
            else:
                known.setdefault(entry.id, entry)
    return [*known.values()], damaged


def _line(value: Value) -> Value:
    """A text as one line that can be stored, whatever was typed."""
    if not isinstance(value, str):
        return value
    return " ".join(value.replace("\0", "?").encode("utf-8", "replace").decode().split())[:MOST_TEXT]
