"""The stored state of an `outliers.flow_shift.ShiftTracker`."""

import msgspec
from msgspec.structs import replace

from common.state_file import Count
from outliers.growth import Growth


class StartEffect(msgspec.Struct, array_like=True, gc=False):
    """The effect on the filters so far of a constant flow of the size of the mean flow, begun at one hour.

    Attributes:
        level, day, short: its effect on the three states.
        total, information: sums of the score; size = total / information, variance = 1 / information.
        steady, steady_total, steady_information: the same for the filter of the steady flow.
    """

    level: float = 0.0
    day: float = 0.0
    short: float = 0.0
    total: float = 0.0
    information: float = 0.0
    steady: float = 0.0
    steady_total: float = 0.0
    steady_information: float = 0.0


class TrackerState(msgspec.Struct):
    """Everything that a `ShiftTracker` needs to continue exactly, a few kB at most.

    Attributes:
        hour: UTC unix hour of the last step.
        level, day, short: the three states.
        cov: upper triangle of their covariance: level-level, level-day, level-short, day-day, day-short, short-short.
        steady_flow, steady_variance: state of the filter of the steady flow.
        starts: possible first hour of an added flow -> its effect.
        surprise: of the last hour, in standard deviations.
        wild: mean square of the surprises, over about a week.
        growth: of a known leak; None: no leak is known.
    """

    level: float
    cov: tuple[float, float, float, float, float, float]
    steady_variance: float
    hour: Count | None = None
    day: float = 0.0
    short: float = 0.0
    steady_flow: float = 0.0
    starts: dict[Count, StartEffect] = {}
    surprise: float = 0.0
    wild: float = 1.0
    growth: Growth | None = None

    def twin(self) -> "TrackerState":
        """An independent copy."""
        return replace(self, starts={first: replace(effect) for first, effect in self.starts.items()})
