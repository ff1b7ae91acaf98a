"""The producer's mark: *closed through minute T, log end at offset N*, and each sensor's last closed minute.

Published after each append. It tells the other processes whether a minute is complete, and tells the producer after a
restart which minutes it has closed, even if the log was reset meanwhile.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from common import files, state_file
from common.folder import MARK_FILE
from common.state_file import Count, Minute


@dataclass(frozen=True, slots=True)
class Mark:
    closed_through: Minute  # UTC minute: no row of this or an earlier minute will be appended
    end_offset: Count  # the log's end after the last append: the rows before it are on disk
    log_id: str
    sensors: dict[str, Minute] = field(default_factory=dict)  # sensor -> its last closed minute


def load(data: Path) -> Mark | None:
    """The mark in a data folder; None if it is missing or unreadable (then the log's tail is used)."""
    return state_file.load(data / MARK_FILE, Mark)


def store(data: Path, mark: Mark) -> None:
    """Replace the mark. After a power cut it may be the one before, but not after a reset that relied on this one: a
    disk keeps the order of names in a folder, and the rows that are still in the log say the rest."""
    files.replace(data / MARK_FILE, msgspec.json.encode(mark) + b"\n", name_durable=False)
