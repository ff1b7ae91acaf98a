"""Is minute T in the database? From the producer's mark (minute and offset) and the archive's commit (offset).

A minute is in when the archive has committed up to the log's end at the time when the producer closed that minute. The
mark is usually ahead of the commit, so marks wait here until the commit has passed them.
"""

from collections import deque
from dataclasses import dataclass, field

from log.mark import Mark

# Marks waiting for the archive. If it lags longer, the oldest are dropped, because newer ones imply them.
WAITING_MARKS = 64


@dataclass
class Arrival:
    """Tracks what is known to be in the database."""

    in_through: int | None = None  # UTC minute
    lag_rows: int = 0  # rows between the commit and the newest mark
    _seen: Mark | None = None
    _waiting: deque[Mark] = field(default_factory=lambda: deque(maxlen=WAITING_MARKS))

    def needs_look(self, mark: Mark | None) -> bool:
        """Whether the archive's commit can bring news: not if it has passed this mark."""
        return bool(self._waiting) or mark != self._seen

    def look(self, mark: Mark | None, committed: int | None) -> None:
        """Update with the producer's newest mark and the archive's commit, which must be read *after* the mark."""
        if mark is None or committed is None:
            return
        if mark != self._seen:
            self._waiting.append(mark)
            self._seen = mark
        while self._waiting and self._waiting[0].end_offset <= committed:
            self.in_through = self._waiting.popleft().closed_through
        self.lag_rows = max(0, mark.end_offset - committed)
