"""Rows of a false time in the log, which no consumer takes: who confirms a clock that was ahead says which they are.

The rows themselves stay in the log until it is reset, and are copied into `set_aside/` (`situation.false_time`).
"""

from dataclasses import dataclass
from pathlib import Path

from common import files, state_file
from common.folder import FALSE_ROWS_FILE
from common.state_file import Count, Minute

MOST_SPANS = 20  # the clock was wrong as often; older rows have long left the log


@dataclass(frozen=True, slots=True)
class FalseSpan:
    """Rows of a log before `end_offset` whose minute is after `last`."""

    log_id: str
    end_offset: Count
    last: Minute  # UTC unix minute

    def has(self, log_id: str, offset: int, minute: int) -> bool:
        return minute > self.last and offset < self.end_offset and log_id == self.log_id


def add(data: Path, span: FalseSpan) -> None:
    """Add a span, durably; the page and the command may do so at the same time.

    Raises:
        OSError: the folder cannot be written.
    """
    with files.one_at_a_time(data):
        known = load(data)
        if span not in known:
            state_file.store(data / FALSE_ROWS_FILE, [*known, span][-MOST_SPANS:])


def load(data: Path) -> list[FalseSpan]:
    """All spans, oldest first."""
    return state_file.load(data / FALSE_ROWS_FILE, list[FalseSpan]) or []


class FalseRows:
    """The spans, read again when the file changes. `skipped` counts the rows that were found in them."""

    def __init__(self, data: Path) -> None:
        self.skipped = 0
        self._data = data
        self._seen: files.Stamp | None = None
        self._spans: list[FalseSpan] = []

    def refresh(self) -> None:
        """Look at the file."""
        if (seen := files.stamp(self._data / FALSE_ROWS_FILE)) != self._seen:
            self._seen, self._spans = seen, load(self._data)

    @property
    def known(self) -> bool:
        """Whether there is any span."""
        return bool(self._spans)

    def has(self, log_id: str, offset: int, minute: int) -> bool:
        """Whether this row is one."""
        found = any(span.has(log_id, offset, minute) for span in self._spans)
        self.skipped += found
        return found
