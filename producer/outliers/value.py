"""VALUE: for hours or days, is there more flow than this day and hour usually have?

Each hour's mean is compared with the criterion; `common.tracking` says by how much a constant flow, begun at the
best-fitting moment, explains the excess, and how sure that is.
"""

from typing import Any

from common.criteria import FlowUse
from common.tracking import Shift, Tracker

LEAST_ROWS = 30  # good minutes that make an hour
ORDINARY_SHARE = 0.12  # of the mean flow: filling a pool, a large customer's shift
ORDINARY_H = 12  # hours after which such a use is over
WATCH_AGE_H = 3  # younger is PREDICT's business
LARGE_AGE_H = 2  # a larger shift is judged this early
SHORT_AGE_H = 48  # starts younger than this have the short limit
RECENT_H = 384


class Value:
    """One sensor's hours. `offset` is the flow (share of the mean) of a leak that is known and still running."""

    def __init__(self, use: FlowUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.tracker = Tracker(use.hours, state.get("tracker"), use.level)
        self.flow_sum: float = state.get("flow_sum", 0.0)
        self.usual_sum: float = state.get("usual_sum", 0.0)
        self.rows: int = state.get("rows", 0)
        self.offset: float = state.get("offset", 0.0)

    def state(self) -> dict[str, Any]:
        return {
            "tracker": self.tracker.state(),
            "flow_sum": self.flow_sum,
            "usual_sum": self.usual_sum,
            "rows": self.rows,
            "offset": self.offset,
        }

    def close(self, hour: int, local_hour: int) -> None:
        """The hour is over: hand its mean to the tracker."""
        if self.rows >= LEAST_ROWS:
            leak = self.use.mean_m3h * self.rows / self.usual_sum
            ratio = self.flow_sum / self.usual_sum - 1.0 - self.offset * leak
            self.tracker.step(hour, local_hour, ratio, leak)
        else:
            self.tracker.step(hour, local_hour, None, 0.0)
        self.flow_sum = self.usual_sum = 0.0
        self.rows = 0

    def watch(self) -> Shift | None:
        """A shift that is worth a look."""
        shift = self.tracker.best(WATCH_AGE_H, RECENT_H)
        return shift if shift.score > self.use.watch_score else None

    def leak(self) -> Shift | None:
        """A shift that is no ordinary use: older than half a day, or larger than such a use ever is."""
        use = self.use
        long = self.tracker.best(SHORT_AGE_H, RECENT_H)
        if long.score > use.long_score:
            return long
        short = self.tracker.best(ORDINARY_H, SHORT_AGE_H)
        if short.score > use.short_score:
            return short
        large = self.tracker.best(LARGE_AGE_H, ORDINARY_H)
        if large.score > use.short_score and large.size - large.error > ORDINARY_SHARE:
            return large
        return None

    def gone(self, size: float) -> bool:
        """Whether most of a known leak of `size` (share of the mean) has stopped."""
        fall = self.tracker.best(1, RECENT_H, sign=-1)
        return fall.score > GONE_SCORE and -fall.size > GONE_SHARE * size

    def accept(self, since_hour: int, size: float) -> None:
        """A leak of `size` (share of the mean) runs since `since_hour`; negative when it has ended."""
        self.tracker.accept(since_hour, size)
        self.offset += size


GONE_SCORE = 2.5  # a fall needs less proof than a rise: clearing too late hides the next leak
GONE_SHARE = 0.5
