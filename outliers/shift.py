"""A constant flow that was added to the use: as it was found, and as it is known."""

from dataclasses import dataclass
from typing import NamedTuple

from outliers.flicker import SteadyFlow


@dataclass(frozen=True, slots=True)
class Shift:
    """The most likely start of an added constant flow; size and uncertainty as share of the mean."""

    score: float
    size: float
    error: float
    since: int  # UTC unix hour of its first hour
    steady: SteadyFlow | None = None  # the flicker's measurement alone


class Constant(NamedTuple):
    """A flow of `size` (share of the mean) since UTC hour `since_hour`; `by_flicker`: the part seen by the flicker."""

    since_hour: float
    size: float
    by_flicker: float


NO_SHIFT = Shift(0.0, 0.0, 0.0, 0)
