"""How large a known leak is now.

The size at the raise is off by half of it or so, also of a LEAK that PREDICT raised: a step's height is taken at one
time of day. Each hour after the raise says how far off it was, and whether the leak has grown since.
"""

import math

from outliers.flow_shift import ShiftTracker
from outliers.watch.active import ActiveFindings, Leak

DOUBT_SHARE = 0.5  # of a step, and of a LEAK's size when it is raised
# The error of a LEAK's size. The first hours after the raise still hold what was taken out of the hours before it; and
# the hours' model says less than there is. Of 151 sizes on simulated bursts 2 were off by more than two errors; 13
# without these three.
EARLY_SHARE, EARLY_H, MODEL = 0.3, 4.0, 1.3


def size_now(active: ActiveFindings, minute: int, tracker: ShiftTracker, mean_m3h: float) -> tuple[float, float] | None:
    """The size now of all that is known to leak, and its standard error, m3/h; None if nothing is."""
    known, newest = active.known, active.newest
    if known is None or newest is None:
        return None
    grown = tracker.growth()
    if grown is None:
        return known.size * mean_m3h, DOUBT_SHARE * known.size * mean_m3h
    change, error = grown
    early = EARLY_SHARE * newest.size * math.exp(min(0, newest.raised - minute) / 60 / EARLY_H)
    return (known.size + change) * mean_m3h, math.hypot(MODEL * error, early) * mean_m3h


def size_to_end(leak: Leak, tracker: ShiftTracker) -> float:
    """The size that a LEAK loses when it ends: its mean since the raise. One that dwindles away has to end, too."""
    change, error = tracker.change()
    doubt = DOUBT_SHARE * leak.size
    share = doubt**2 / (doubt**2 + error**2) if math.isfinite(error) else 0.0
    return max(leak.size + share * change, doubt)
