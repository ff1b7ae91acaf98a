"""`alerts_state.json`: what is up, what each messenger has been told and has still to be told.

Written after a message was taken and before the rows are committed: killed in between, the rows come again and the
same events are told again under the same names; killed at any other instant, nothing is told twice.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from common import files
from common.errors import LogError
from common.folder import ALERTS_STATE_FILE
from common.logging_setup import quoted
from consumer.alerts.events import Event
from consumer.alerts.pending import Queue

_log = logging.getLogger(__name__)


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
    offset: int = 0
    minute: int = 0
    up: list[Event] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)
    digest_day: date | None = None


def load(data: Path) -> State:
    """The state of a data folder; a new one if there is none or it cannot be understood."""
    try:
        raw = json.loads((data / ALERTS_STATE_FILE).read_bytes())
        return State(
            str(raw["log_id"]),
            int(raw["offset"]),
            int(raw["minute"]),
            [Event(**event) for event in raw["up"]],
            [str(name) for name in raw["known"]],
            {str(name): _queue(queue) for name, queue in raw["queues"].items()},
            date.fromisoformat(raw["digest_day"]) if raw["digest_day"] else None,
        )
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("alerts_state_unreadable problem=%s", quoted(error))
        return State()


def store(data: Path, state: State) -> None:
    """Replace the file, durably.

    Raises:
        LogError: the disk refuses; the old state stands.
    """
    raw = asdict(state) | {"digest_day": state.digest_day.isoformat() if state.digest_day else None}
    try:
        files.replace(data / ALERTS_STATE_FILE, json.dumps(raw, ensure_ascii=False).encode() + b"\n")
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


def _queue(raw: Mapping[str, Any]) -> Queue:
    return Queue(
        {name: Event(**event) for name, event in raw["waiting"].items()},
        {name: Event(**event) for name, event in raw["quiet"].items()},
        dict.fromkeys(raw["told"]),
        [float(time_s) for time_s in raw["sent_s"]],
        [float(time_s) for time_s in raw["sent_leaks_s"]],
        {str(code): int(count) for code, count in raw["more"].items()},
        None if raw["held_since_s"] is None else float(raw["held_since_s"]),
    )
