"""The stored state of an `outliers.watch.expectation.Expectation`."""

import msgspec

from common.state_file import Count, Minute
from outliers.tracker_state import TrackerState


class ExpectationState(msgspec.Struct):
    """The state of `Expectation`. None: start from the criteria.

    Attributes:
        tracker: the level, with the day's current kind.
        other: the same with the other kind of day, on working days.
        as_sunday: the day counts as a Sunday, although it is none.
        better: how much better the other kind fits today.
        flow_sum, profile_sum, rows: good rows of the current hour.
        leak_size: flow of the known active leaks, share of the mean.
        by_flicker: the part of it seen by the flicker.
        level, day: level and day-scale deviation that are expected, from the tracker.
        ratio: expected flow now / profile, from the forecast if there is one.
        accepted: UTC minute since which a part of `leak_size` is no active leak, but usual.
    """

    tracker: TrackerState | None = None
    other: TrackerState | None = None
    as_sunday: bool = False
    better: float = 0.0
    flow_sum: float = 0.0
    profile_sum: float = 0.0
    rows: Count = 0
    leak_size: float = 0.0
    by_flicker: float = 0.0
    level: float | None = None
    day: float = 0.0
    ratio: float | None = None
    accepted: Minute = 0
