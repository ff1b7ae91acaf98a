"""The producer's mark: *closed through minute T, log end at offset N*, and each sensor's last closed minute.

Published after each append. With it the other processes know whether a minute is in, and the producer knows after a
restart which minutes it has closed, even if the log was reset in between.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from common.files import replace
from common.folder import MARK_FILE


@dataclass(frozen=True, slots=True)
class Mark:
    closed_through: int  # UTC minute: no row of this minute or an earlier one will be appended any more
    end_offset: int  # the log's end after the last append
    log_id: str
    sensors: dict[str, int] = field(default_factory=dict)  # sensor -> its last closed minute


def load(data: Path) -> Mark | None:
    """The mark in a data folder; None if there is none or it cannot be read (the log's tail then decides)."""
    try:
        raw = json.loads((data / MARK_FILE).read_bytes())
        return Mark(
            int(raw["closed_through"]),
            int(raw["end_offset"]),
            str(raw["log_id"]),
            {str(sensor): int(minute) for sensor, minute in raw["sensors"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def store(data: Path, mark: Mark) -> None:
    """Replace the mark, durably."""
    text = json.dumps(
        {
            "closed_through": mark.closed_through,
            "end_offset": mark.end_offset,
            "log_id": mark.log_id,
            "sensors": mark.sensors,
        }
    )
    replace(data / MARK_FILE, text.encode() + b"\n")
