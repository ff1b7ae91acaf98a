"""The producer's mark: *closed through minute T, log end at offset N*, and each sensor's last closed minute.

Published after each append. With it the other processes know whether a minute is in, and the producer knows after a
restart which minutes it has closed, even if the log was reset in between.
"""

from dataclasses import dataclass, field
from pathlib import Path

from common import state_file
from common.folder import MARK_FILE
from common.state_file import Count, Minute


@dataclass(frozen=True, slots=True)
class Mark:
    closed_through: Minute  # UTC minute: no row of this minute or an earlier one will be appended any more
    end_offset: Count  # the log's end after the last append
    log_id: str
    sensors: dict[str, Minute] = field(default_factory=dict)  # sensor -> its last closed minute


def load(data: Path) -> Mark | None:
    """The mark in a data folder; None if there is none or it cannot be read (the log's tail then decides)."""
    return state_file.load(data / MARK_FILE, Mark)


def store(data: Path, mark: Mark) -> None:
    """Replace the mark, durably."""
    state_file.store(data / MARK_FILE, mark)
