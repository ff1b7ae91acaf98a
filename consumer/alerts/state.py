"""`alerts_state.json`: the active events, and what was sent and is still to be sent to each address.

It is written after a message is accepted and before the rows are committed. If the process is killed between acceptance
and writing, the same events are sent again with the same ids; at any other instant nothing is sent twice.
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
from consumer.alerts.events import AlertEvent
from consumer.alerts.pending import Queue


@dataclass(slots=True)
class AlertState:
    """The state that survives a restart.

    Attributes:
        log_id: the log that `offset` belongs to.
        offset: rows before it are included in this state.
        minute: UTC unix minute of the newest included row, for a log that took a new id.
        known: ids of past events.
        queues: name of the address -> its queue.
        digest_day: local date of the last digest.
    """

    log_id: str = ""
    offset: Count = 0
    minute: Minute = 0
    up: list[AlertEvent] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)
    digest_day: date | None = None


def load(data: Path) -> AlertState:
    """The state in a data folder; a new one if it is missing or unreadable."""
    return state_file.load(data / ALERTS_STATE_FILE, AlertState) or AlertState()


def store(data: Path, state: AlertState) -> None:
    """Replace the file, durably.

    Raises:
        LogError: the disk refuses; the old state is unchanged.
    """
    try:
        state_file.store(data / ALERTS_STATE_FILE, state)
    except OSError as error:
        raise LogError(f"cannot keep what was told: {quoted(error)}") from error


def names(owners: Sequence[str]) -> list[str]:
    """A name for each recipient that stays the same when others are added: its kind, and 16 bits of a hash.

    The hash is so short that it reveals nothing about a password in the address. Two recipients never share a name, or
    the second would get nothing; a recipient listed twice does, and gets each message once.
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
    """The part of an address that is not secret: "mailto" of "mailto://user:password@host"."""
    scheme = url.partition("://")[0].lower()
    return scheme if scheme.isalnum() and len(scheme) <= 16 and scheme != url.lower() else "unknown"
