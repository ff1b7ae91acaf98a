"""What the expected flow has to be corrected by: a leak or a meter error that has become known, or is over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeakCorrection:
    """A leak of `size` (share of the mean) since UTC hour `since_hour`, which it may share; negative: it has ended.

    `by_flicker` is the part seen by the flicker. `nights` is the number of nights that contain it; None: do not change
    the nights.
    """

    since_hour: float
    size: float
    by_flicker: float
    nights: int | None = None


@dataclass(frozen=True, slots=True)
class ScaleCorrection:
    """The meter reads a share of `size` too much since UTC hour `since_hour`; its flow is corrected from now on."""

    since_hour: int
    size: float


Correction = LeakCorrection | ScaleCorrection
