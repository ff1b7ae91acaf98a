"""What the expected flow has to be corrected by: a leak or a meter error that has become known, or is over."""

from collections.abc import Iterator
from dataclasses import dataclass

from outliers.shift import Constant


@dataclass(frozen=True, slots=True)
class LeakCorrection:
    """A leak of `size` (share of the mean) since UTC hour `since_hour`, which it may share; negative: it has ended.

    Attributes:
        by_flicker: the part seen by the flicker.
        nights: the number of nights that contain it; None: do not change the nights.
        raised_hour: when a leak that has ended was raised.
        grown: by how much it was larger in the end than at its raise: a part that was never expected.
    """

    since_hour: float
    size: float
    by_flicker: float
    nights: int | None = None
    raised_hour: float = 0.0
    grown: float = 0.0

    def flows(self) -> Iterator[Constant]:
        """What has to be taken out of the hours before."""
        share = self.grown / self.size if self.size else 0.0
        if share:
            yield Constant(self.raised_hour, self.grown, share * self.by_flicker)
        yield Constant(self.since_hour, self.size - self.grown, (1 - share) * self.by_flicker)


@dataclass(frozen=True, slots=True)
class ScaleCorrection:
    """The meter reads a share of `size` too much since UTC hour `since_hour`; its flow is corrected from now on."""

    since_hour: int
    size: float


Correction = LeakCorrection | ScaleCorrection
