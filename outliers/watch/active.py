"""The active findings of one sensor, as stored in a file. Decisions are in `finding_log`.

While a LEAK is active its flow is part of the expectation, so nothing is raised twice for it; the methods then look for
its end.
"""

import math
from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from common.state_file import Count, Minute
from outliers.watch.repeats import Repeats

MEMORY_MIN = 30 * 1440  # a LEAK counts for this long, with fading weight
FREE = 1.5  # LEAKs of a month that raise no limit
STRICTER = 0.15  # of a LEAK's limit for each further one

LETTERS = {"VALUE": "L00", "PREDICT": "0L0", "NIGHT": "00L"}  # flags of a LEAK, by the method that found it


class Leak(msgspec.Struct, frozen=True, array_like=True):
    """A detected leak.

    Attributes:
        method: the method that found it.
        raised: UTC minute.
        since: UTC minute at which it seems to have begun.
        size: share of the mean flow.
        by_flicker: the part of it seen by the flicker.
    """

    method: Literal["VALUE", "PREDICT", "NIGHT"]
    raised: Minute
    since: Minute
    size: float
    by_flicker: float


class MeterBias(msgspec.Struct, frozen=True, array_like=True):
    """The flow meter reads at a wrong scale."""

    raised: Minute
    size: float  # share of the flow that it reads too much; negative: too little


class ActiveFindings(msgspec.Struct):
    """The active findings of one sensor.

    Attributes:
        watches: code of a WATCH -> minute at which it was raised.
        leak: the active LEAK.
        more: a larger one on top of it.
        meter: the flow meter is wrong.
        ended: minute at which the last `more` ended.
        often: LEAKs of the last month, with fading weight.
        counted: minute of the last of them.
        repeats: what was raised, and went as it came.
        closed: unix second of the last closing that was taken.
    """

    watches: dict[str, Minute] = {}
    leak: Leak | None = None
    more: Leak | None = None
    meter: MeterBias | None = None
    ended: Minute = 0
    often: float = 0.0
    counted: Minute = 0
    repeats: Repeats = msgspec.field(default_factory=Repeats)
    closed: Count = 0

    def count(self, minute: int) -> None:
        """A LEAK is raised."""
        self.often = self.often_at(minute) + 1.0
        self.counted = minute

    def uncount(self, minute: int, raised: Iterable[int]) -> None:
        """The LEAKs raised at these minutes were leaks: they say nothing about the use."""
        weights = sum(math.exp(min(0, each - minute) / MEMORY_MIN) for each in raised)
        self.often = max(0.0, self.often_at(minute) - weights)
        self.counted = minute

    def often_at(self, minute: int) -> float:
        """`often`, faded until a UTC minute."""
        return self.often * math.exp(min(0, self.counted - minute) / MEMORY_MIN) if self.often else 0.0

    def strictness(self, minute: int) -> float:
        """Factor on the limits of a LEAK: after repeated LEAKs, the use differs from the archive."""
        return 1.0 + STRICTER * max(0.0, self.often_at(minute) - FREE)

    @property
    def newest(self) -> Leak | None:
        """The LEAK that ends first."""
        return self.more or self.leak

    @property
    def known(self) -> Leak | None:
        """All that is known to leak, as one LEAK."""
        leak, more = self.leak, self.more
        if leak is None or more is None:
            return leak
        return replace(leak, size=leak.size + more.size, by_flicker=leak.by_flicker + more.by_flicker)

    def letters(self) -> str:
        """The letters of VALUE, PREDICT and NIGHT in the flow's flags."""
        if self.leak is not None:
            return LETTERS[self.leak.method]
        watches = self.watches
        if not watches:
            return "000"
        night = "J" if "NGT-JUMP" in watches else "C" if "NGT-CREEP" in watches else "0"
        hours = "W" if "VAL-HIGH" in watches else "F" if "VAL-LOW" in watches else "0"
        return hours + ("W" if "PRE-STEP" in watches else "0") + night
