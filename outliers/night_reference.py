"""What a night's minimum is measured against, and by how much it varies."""

import math
import statistics
from collections.abc import Sequence

from outliers.rules import LEAST_NIGHTS, MAD_TO_SD, NIGHTS_HELD_BACK, NIGHTS_KEPT


def night_reference(earlier: Sequence[float]) -> float | None:
    """The median of up to 24 minima before a night; None with too few.

    The newest three are held back, so that a leak does not become its own reference.

    Args:
        earlier: minima of the nights before it, oldest first, m3/h.
    """
    nights = earlier[-NIGHTS_KEPT - NIGHTS_HELD_BACK : -NIGHTS_HELD_BACK]
    return statistics.median(nights) if len(nights) >= LEAST_NIGHTS else None


def night_spread(changes: Sequence[float]) -> float:
    """Standard deviation of a night, by the absolute changes from one to the next."""
    return MAD_TO_SD * statistics.median(changes) / math.sqrt(2) if changes else 0.0
