"""`alerts_state.json`: what is up, what each messenger has been told and has still to be told.

Written after a message was taken and before the rows are committed: killed in between, the rows come again and the
same events are told again under the same names; killed at any other instant, nothing is told twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from common import state_file
from common.errors import LogError
from common.folder import ALERTS_STATE_FILE
from common.logging_setup import quoted
from common.state_file import Count, Minute
from consumer.alerts.events import Event
from consumer.alerts.pending import Queue


@dataclass(slots=True)
class State:
    """Everything that outlives the process.

    Attributes:
        log_id: the log that `offset` counts in.
        offset: rows before it are in this state already.
        minute: UTC unix minute of the newest row in it, for a log that took a new id.
        known: ids of past events.
        queues: name of the messenger -> its queue.
        digest_day: local date of the last digest.
    """

    log_id: str = ""
    offset: Count = 0
    minute: Minute = 0
    up: list[Event] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)
    digest_day: date | None = None


def load(data: Path) -> State:
    """The state of a data folder; a new one if there is none or it cannot be understood."""
    return state_file.load(data / ALERTS_STATE_FILE, State) or State()


def store(data: Path, state: State) -> None:
    """Replace the file, durably.

    Raises:
        LogError: the disk refuses; the old state stands.
    """
    try:
        state_file.store(data / ALERTS_STATE_FILE, state)
    except OSError as error:
        raise LogError(f"cannot keep what was told: {quoted(error)}") from error


def names(owners: Sequence[str]) -> list[str]:
    """A name for each recipient that stays the same when others are added: its kind, and 16 bits of a digest.

    So few that the name tells nothing about a password in the address. Two recipients never share a name, since the
    second would then be told nothing; the same one twice does, and is told once.
    """
    found: list[str] = []
    taken: dict[str, str] = {}
    for owner in owners:
        name = first = f"{kind(owner)}-{hashlib.sha256(owner.encode()).hexdigest()[:4]}"
        number = 1
        while taken.setdefault(name, owner) != owner:
            number += 1
            name = f"{first}-{number}"
        found.append(name)
    return found


def kind(url: str) -> str:
    """The part of an address that is no secret: "mailto" of "mailto://user:password@host"."""
    scheme = url.partition("://")[0].lower()
    return scheme if scheme.isalnum() and len(scheme) <= 16 and scheme != url.lower() else "unknown"
