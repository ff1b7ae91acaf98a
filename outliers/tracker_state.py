"""What a `outliers.flow_shift.ShiftTracker` knows, as it is kept in a file."""

import msgspec
from msgspec.structs import replace

from common.state_file import Count


class StartEffect(msgspec.Struct, array_like=True, gc=False):
    """What a constant flow of the size of the mean flow, begun at one hour, would have done to the filters so far.

    Attributes:
        level, day, short: how far it would have moved the three states.
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
    """Everything that a `ShiftTracker` needs to go on to the bit, a few kB at most.

    Attributes:
        hour: UTC unix hour of the last step.
        level, day, short: the three states.
        cov: upper triangle of their covariance: level-level, level-day, level-short, day-day, day-short, short-short.
        steady_flow, steady_variance: state of the filter of the steady flow.
        starts: first hour of a flow that may have been added -> its effect.
        surprise: of the last hour, in standard deviations.
        wild: mean square of the surprises, over about a week.
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

    def twin(self) -> "TrackerState":
        """One of its own that goes on from here."""
        return replace(self, starts={first: replace(effect) for first, effect in self.starts.items()})
