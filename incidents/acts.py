"""What people did about incidents: one line each, appended to `incident_acts.jsonl` and never changed.

Any process of the box may append. A line that cannot be read costs only itself, and is counted.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec

from common import line_file
from common.errors import HydrologError
from common.folder import INCIDENT_ACTS_FILE
from common.state_file import Minute, StateUnusable, convert, parse

MOST_BYTES = 16 * 1024 * 1024  # some 50,000 acts: far more than people do in years
MOST_TEXT = 500  # characters of a note
MOST_NAME = 80  # and of a person's name


class Do(StrEnum):
    """What can be done about an incident."""

    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    CLOSE = "close"
    NOTE = "note"


class Cause(StrEnum):
    """Why an incident is closed."""

    REPAIRED = "repaired"
    FLUSHING = "flushing"
    METER = "meter"
    ACCEPTED = "accepted"
    FALSE_ALARM = "false-alarm"
    OTHER = "other"


class Act(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that one person did.

    Attributes:
        id: unique; the same act read twice is one.
        by: the person's name.
        until: UTC minute until which the incident is shelved.
        cause: only of a close.
        text: the note; may be empty.
    """

    id: str
    incident: str
    at: datetime
    by: str
    do: Do
    until: Minute | None = None
    cause: Cause | None = None
    text: str = ""

    def __post_init__(self) -> None:
        """A time without a zone could not be compared with others; no database can hold a NUL."""
        if self.at.tzinfo is None or not 1971 <= self.at.year <= 9000:
            raise ValueError(f"{self.at} is not the time of an act")
        if "\0" in f"{self.id}{self.incident}{self.by}{self.text}":
            raise ValueError("a NUL in a text")


class ActsUnwritable(HydrologError):
    """The act could not be stored, so it has not happened."""


class Acts(NamedTuple):
    """The acts, oldest first, and how many lines could not be read."""

    known: tuple[Act, ...] = ()
    damaged: int = 0


def new(incident: str, by: str, at: datetime, do: Do, **more: object) -> Act:
    """An act of now. Text and name are cut to one line of at most `MOST_TEXT` and `MOST_NAME` characters.

    Raises:
        StateUnusable: a part of it is of the wrong type.
    """
    text, name = _line(str(more.pop("text", "")), MOST_TEXT), _line(by, MOST_NAME)
    whole = {"id": uuid4().hex, "incident": incident, "by": name, "at": at, "do": do, "text": text, **more}
    return convert(whole, Act)


def _line(text: str, most: int) -> str:
    """One line of text that can be stored, whatever was typed."""
    return " ".join(text.encode("utf-8", "replace").decode().split())[:most]


def append(data: Path, act: Act) -> None:
    """Store an act; it is on disk on return.

    Raises:
        ActsUnwritable: the disk is full or the folder may not be written; nothing was stored.
    """
    try:
        line_file.append(data / INCIDENT_ACTS_FILE, msgspec.json.encode(act))
    except OSError as error:
        raise ActsUnwritable(f"cannot write {data / INCIDENT_ACTS_FILE}: {error.strerror}") from error


def load(data: Path) -> Acts:
    """All acts of a data folder. Without a file, or without the right to read it, there are none."""
    known: dict[str, Act] = {}
    damaged = 0
    for line in line_file.read(data / INCIDENT_ACTS_FILE, MOST_BYTES):
        try:
            act = parse(line, Act)
        except StateUnusable:
            damaged += 1
        else:
            known.setdefault(act.id, act)
    return Acts(tuple(known.values()), damaged)
