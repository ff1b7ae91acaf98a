"""Is minute T in? The producer says up to which minute and offset it is done, the archive up to which offset.

A minute is in when the archive has committed as far as the log's end was when the producer closed that minute. The
producer's mark runs ahead of the archive's commit most of the time, so the marks that were seen wait here until the
commit has passed them.
"""

from collections import deque
from dataclasses import dataclass, field

from log.mark import Mark

# Marks that wait for the archive. While it lags behind for longer, the oldest of them are dropped: newer ones say more.
WAITING_MARKS = 64


@dataclass
class Arrival:
    """What is known to be in the database."""

    in_through: int | None = None  # UTC minute
    lag_rows: int = 0  # rows between the commit and the newest mark
    _seen: Mark | None = None
    _waiting: deque[Mark] = field(default_factory=lambda: deque(maxlen=WAITING_MARKS))

    def needs_look(self, mark: Mark | None) -> bool:
        """Whether the archive's commit could say something new: not if it has passed this very mark."""
        return bool(self._waiting) or mark != self._seen

    def look(self, mark: Mark | None, committed: int | None) -> None:
        """Take in the producer's newest mark and what the archive group had committed *after* it was read."""
        if mark is None or committed is None:
            return
        if mark != self._seen:
            self._waiting.append(mark)
            self._seen = mark
        while self._waiting and self._waiting[0].end_offset <= committed:
            self.in_through = self._waiting.popleft().closed_through
        self.lag_rows = max(0, mark.end_offset - committed)
