"""The readings of a minute, and a log that is consumed at once."""

from collections.abc import Callable
from pathlib import Path

from meter import RunningProducer

from log.roles import open_log

Start = Callable[..., RunningProducer]


def seconds(minute: int, first: int = 0, end: int = 60) -> range:
    return range(minute * 60 + first, minute * 60 + end)


def consume_everything(data: Path) -> None:
    """Let every group take all rows, and reset the log."""
    groups = ("archive", "server")
    log = open_log("file", data, groups)
    for name in groups:
        group = log.group(name)
        group.commit(log.end_offset)
        group.close()
    log.trim()
    log.close()
