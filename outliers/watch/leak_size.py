"""How large a known leak is now.

The size at the raise is off by half of it or so, also of a LEAK that PREDICT raised: a step's height is taken at one
time of day. Each hour after the raise says how far off it was, and whether the leak has grown since.
"""

import math

from outliers.flow_shift import ShiftTracker
from outliers.watch.active import Leak

DOUBT_SHARE = 0.5  # of a step, and of a LEAK's size when it is raised
# The error of a LEAK's size. The first hours after the raise still hold what was taken out of the hours before it; and
# the hours' model says less than there is. Of 151 sizes on simulated bursts 2 were off by more than two errors; 13
# without these three.
EARLY_SHARE, EARLY_H, MODEL = 0.3, 4.0, 1.3


def size_now(size: float, raised: int, minute: int, tracker: ShiftTracker) -> tuple[float, float]:
    """The size now of what had `size` at minute `raised`, and its standard error; shares of the mean flow."""
    change, error = tracker.change()
    doubt = DOUBT_SHARE * size
    if not math.isfinite(error):
        return size, doubt
    share = doubt**2 / (doubt**2 + error**2)
    early = EARLY_SHARE * size * math.exp(min(0, raised - minute) / 60 / EARLY_H)
    return size + share * change, math.hypot(MODEL * math.sqrt(share) * error, early)


def size_to_end(leak: Leak, minute: int, tracker: ShiftTracker) -> float:
    """The size that a LEAK loses when it ends: that of now. One that dwindles away has to end, too."""
    size, _ = size_now(leak.size, leak.raised, minute, tracker)
    return max(size, DOUBT_SHARE * leak.size)
