"""How far apart the rows of a file are."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np

from common.wall_clock import Times

MINUTE_US = 60_000_000
SHARE = 0.8  # of the steps between rows that must be alike
FEWEST = 3  # steps; fewer rows show no step
MOST_KINDS = 10_000  # different steps that are counted


class Steps:
    """Collects the times of a file, piece by piece.

    Attributes:
        ordered: each row is later than the one before, or each is earlier, by the minute.
        seconds: some times are not whole minutes.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.ordered = True
        self.seconds = False
        self._direction = 0
        self._last: int | None = None
        self._kinds: Counter[int] = Counter()
        self._months: set[int] = set()

    def add(self, at: Times) -> None:
        """The next rows' times, in microseconds UTC."""
        if not len(at):
            return
        self.rows += len(at)
        minutes = at // MINUTE_US
        self.seconds |= bool((at % MINUTE_US).any())
        self._months.update(
            np.unique((minutes * 60).astype("datetime64[s]").astype("datetime64[M]").astype(int)).tolist()
        )
        joined = minutes if self._last is None else np.concatenate([[self._last], minutes])
        self._last = int(minutes[-1])
        steps = np.diff(joined)
        if not len(steps):
            return
        self._direction = self._direction or int(np.sign(steps[0]))
        self.ordered &= self._direction != 0 and bool((np.sign(steps) == self._direction).all())
        if len(self._kinds) < MOST_KINDS:
            kinds, counts = np.unique(np.abs(steps), return_counts=True)
            self._kinds.update(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))

    @property
    def usual(self) -> int | None:
        """The usual step between rows in minutes, 0 for several rows a minute; None: there is none."""
        total = self._kinds.total()
        (step, count), *_ = self._kinds.most_common(1) or [(0, 0)]
        within = self._kinds[0]
        if total >= FEWEST and within > total / 2:
            return 0
        return step if total >= FEWEST and count >= SHARE * total else None

    @property
    def minutes(self) -> int:
        """The minutes that a row covers: its step, if hours are made of such steps, else 1."""
        usual = self.usual
        return usual if usual and usual <= 60 and 60 % usual == 0 else 1

    @property
    def simple(self) -> bool:
        """The rows can be stored as they are."""
        return self.ordered and self.minutes == 1

    def months(self) -> list[datetime]:
        """The start of each UTC month with a row."""
        return [datetime(1970 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in sorted(self._months)]


def in_words(minutes: int) -> str:
    """A step such as "15 minutes" or "6 hours"."""
    if minutes % 60 == 0 and minutes > 60:
        return f"{minutes // 60} hours" if minutes % 1440 or minutes == 1440 else f"{minutes // 1440} days"
    return f"{minutes} minutes" if minutes != 1 else "1 minute"
