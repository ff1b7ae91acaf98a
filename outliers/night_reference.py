"""What a night's minimum is measured against."""

import statistics
from collections.abc import Sequence

from outliers.rules import LEAST_NIGHTS, NIGHTS_HELD_BACK, NIGHTS_KEPT


def night_reference(earlier: Sequence[float]) -> float | None:
    """The median of up to 24 minima before a night; None with too few.

    The newest three are held back, so that a leak does not become its own reference.

    Args:
        earlier: minima of the nights before it, oldest first, m3/h.
    """
    nights = earlier[-NIGHTS_KEPT - NIGHTS_HELD_BACK : -NIGHTS_HELD_BACK]
    return statistics.median(nights) if len(nights) >= LEAST_NIGHTS else None
