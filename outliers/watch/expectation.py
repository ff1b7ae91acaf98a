"""What flow to expect: the profile of the kind of day, times the level of these days, plus the leaks that are known.

The level is followed hour by hour (`outliers.flow_shift`). Nobody tells a box at a pipe of every holiday, so on working
days a second tracker follows the day as if it were a Sunday. The day is read as one when that fits clearly better.

This is the only place that is corrected when a leak or a wrong meter is known: `correct`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from common.state_file import Count
from outliers.criteria import FlowUse
from outliers.flicker import SteadyFlow
from outliers.flow_shift import ShiftTracker
from outliers.rules import HOUR_ROWS, SUNDAY
from outliers.tracker_state import TrackerState

HOLIDAY = 2.0  # times the limits of a step on a listed holiday: no two holidays are alike
CLEARLY = 6.0  # in squared standard deviations: so much better must a Sunday fit for the day to become one
CUT = 3.0  # standard deviations that one hour counts at most between two readings of a day
BASE_QUARTERS = 6  # before a step, that the base of the step may rest on


@dataclass(frozen=True, slots=True)
class HourForecast:
    """The forecast of the running hour's mean, made at its start; None where the forecaster has none."""

    flow_m3h: float | None
    pressure_bar: float | None = None


@dataclass(frozen=True, slots=True)
class LeakCorrection:
    """A leak of `size` (share of the mean) has run since UTC hour `since_hour`; a negative size: it has ended.

    `by_flicker` of it is what the flicker has seen. `nights` have it in their minimum; None: leave the nights alone.
    """

    since_hour: int
    size: float
    by_flicker: float
    nights: int | None = None


@dataclass(frozen=True, slots=True)
class ScaleCorrection:
    """The meter has shown a share of `size` too much since UTC hour `since_hour`; its flow is corrected from now on."""

    since_hour: int
    size: float


Correction = LeakCorrection | ScaleCorrection


class ExpectationState(msgspec.Struct):
    """What `Expectation` keeps. None: begin with what the criteria say.

    Attributes:
        tracker: the level, with the day in its present reading.
        other: the same with the day in the other reading, on working days.
        as_sunday: the day is read as a Sunday, though it is none.
        better: how much better the other reading fits today.
        flow_sum, profile_sum, rows: good rows of the running hour.
        leak_size: flow of the leaks that are known and still run, share of the mean.
        by_flicker: what the flicker has seen of it.
        level: flow to expect / profile - 1, by the tracker.
        ratio: flow to expect now / profile, by the forecast where there is one.
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
    ratio: float | None = None


class Expectation:
    """Of one sensor's flow."""

    def __init__(
        self, use: FlowUse, zone: ZoneInfo, holidays: Collection[date] = (), state: ExpectationState | None = None
    ) -> None:
        state = state or ExpectationState()
        self.use, self.zone, self.holidays = use, zone, frozenset(holidays)
        self.tracker = self._tracker(state.tracker)
        self.other = self._tracker(state.other) if state.other else None
        self.as_sunday, self.better = state.as_sunday, state.better
        self._flow_sum, self._profile_sum, self._rows = state.flow_sum, state.profile_sum, state.rows
        self.leak_size, self.by_flicker = state.leak_size, state.by_flicker
        self.level = use.level if state.level is None else state.level
        self.ratio = 1.0 + self.level if state.ratio is None else state.ratio
        self.day: date | None = None
        self.weekday = self.hour_of_day = self.day_minute = 0
        self._profile_m3h = self._before = self._after = 0.0

    def _tracker(self, state: TrackerState | None) -> ShiftTracker:
        use = self.use
        return ShiftTracker(use.hours, state, use.level, use.texture.wander if use.texture else 0.0)

    def state(self) -> ExpectationState:
        """All that is kept."""
        return ExpectationState(
            tracker=self.tracker.state,
            other=self.other.state if self.other else None,
            as_sunday=self.as_sunday,
            better=self.better,
            flow_sum=self._flow_sum,
            profile_sum=self._profile_sum,
            rows=self._rows,
            leak_size=self.leak_size,
            by_flicker=self.by_flicker,
            level=self.level,
            ratio=self.ratio,
        )

    # the profile

    def restart(self, minute: int) -> None:
        """Go on in the day of a UTC minute."""
        local = datetime.fromtimestamp(minute * 60, self.zone)
        self.day = local.date()
        self.weekday = self._kind(self.day)

    def on_quarter(self, minute: int) -> None:
        """A quarter of an hour begins: the local time, and the kind of a new day."""
        local = datetime.fromtimestamp(minute // 15 * 900, self.zone)
        self.hour_of_day = local.hour
        self.day_minute = local.hour * 60 + local.minute
        day = local.date()
        if day != self.day:
            self.day = day
            self.weekday = self._kind(day)
            self.other = self.tracker.twin() if self.weekday != SUNDAY else None
            self.as_sunday = False
            self.better = 0.0

    def take_profile(self) -> None:
        """Take the profile of the quarter that has begun, and its slopes to the quarters beside it."""
        row, quarter = self.profile(), self.day_minute // 15
        here = self._profile_m3h = row[quarter]
        self._before = (here - row[quarter - 1]) / 15 if quarter else 0.0
        self._after = (row[quarter + 1] - here) / 15 if quarter < len(row) - 1 else 0.0

    def _kind(self, day: date) -> int:
        return SUNDAY if day in self.holidays else day.weekday()

    def _read_as(self, other: bool = False) -> int:
        """The kind of day in the reading that fits better, or in the `other`."""
        return SUNDAY if self.as_sunday != other else self.weekday

    def profile(self, other: bool = False) -> tuple[float, ...]:
        """The day's quarters."""
        return self.use.profile_m3h[self._read_as(other)]

    def _hour_mean(self, other: bool = False) -> float:
        """The profile's mean over the running hour."""
        first = 4 * self.hour_of_day
        return sum(self.profile(other)[first : first + 4]) / 4

    def slot(self, other: bool = False) -> int:
        """The running hour in the week."""
        return self._read_as(other) * 24 + self.hour_of_day

    def limit_ratio(self) -> float:
        """Times the limits of a step: they follow the level."""
        return (HOLIDAY if self.day in self.holidays else 1.0) * (1.0 + self.level)

    def undecided(self) -> bool:
        """Whether the day may still turn out to be of the other kind."""
        return self.other is not None and self.better > -CLEARLY

    # rows and hours

    @property
    def leak_m3h(self) -> float:
        """Flow of the leaks that are known."""
        return self.leak_size * self.use.mean_m3h

    @property
    def use_m3h(self) -> float:
        """Flow to expect in the middle of the running quarter, without the leaks that are known."""
        return self._profile_m3h * self.ratio

    def on_row(self, minute: int, flow: float, forecast: HourForecast | None, *, hold: bool) -> float:
        """Take a good flow; returns its residual, m3/h.

        `hold`: keep the ratio as it is; a forecast made during a step has the step in it already.
        """
        place = minute % 15 - 7
        profile = self._profile_m3h + place * (self._after if place > 0 else self._before)
        self._flow_sum += flow
        self._profile_sum += profile
        self._rows += 1
        if not hold:
            if forecast is None or forecast.flow_m3h is None:
                self.ratio = 1.0 + self.level
            else:
                self.ratio = forecast.flow_m3h / self._hour_mean()
        return flow - profile * self.ratio - self.leak_size * self.use.mean_m3h

    def on_hour(self, hour: int, steady: SteadyFlow | None) -> float | None:
        """The UTC `hour` is over: hand its mean to the trackers. `steady` is what its flicker says.

        Returns None, or, if the day is now read as of the other kind: how much higher its profile is, m3/h.
        """
        if steady is not None:
            steady = SteadyFlow(steady.size - self.by_flicker, steady.error)
        rows, flow_sum, profile_sum = self._rows, self._flow_sum, self._profile_sum
        self._flow_sum = self._profile_sum = 0.0
        self._rows = 0
        if rows < HOUR_ROWS:
            self.tracker.on_hour(hour, self.slot(), None, 0.0, steady)
            if self.other is not None:
                self.other.on_hour(hour, self.slot(other=True), None, 0.0, steady)
            return None
        mean, profile = flow_sum / rows, profile_sum / rows
        self._track(self.tracker, hour, self.slot(), (mean, profile), steady)
        if self.other is None:
            return None
        own_m3h, other_m3h = self._hour_mean(), self._hour_mean(other=True)
        self._track(self.other, hour, self.slot(other=True), (mean, profile * other_m3h / own_m3h), steady)
        surprise, other_surprise = self.tracker.state.surprise, self.other.state.surprise
        self.better += min(abs(surprise), CUT) ** 2 - min(abs(other_surprise), CUT) ** 2
        if self.better <= CLEARLY:
            return None
        self.tracker, self.other = self.other, self.tracker
        self.as_sunday = not self.as_sunday
        self.better = 0.0
        return (other_m3h - own_m3h) * (1.0 + self.level)

    def _track(
        self, tracker: ShiftTracker, hour: int, slot: int, means: tuple[float, float], steady: SteadyFlow | None
    ) -> None:
        """`means` are those of flow and profile, m3/h."""
        flow, profile = means
        leak = self.use.mean_m3h / profile
        tracker.on_hour(hour, slot, flow / profile - 1.0 - self.leak_size * leak, leak, steady)

    def follow(self) -> None:
        """Take the tracker's level for the hour to come."""
        self.level = self.tracker.expected_ratio()

    def _take_level(self) -> float:
        """Go on from the tracker's level at once; returns by how much more of the profile is expected than before."""
        before = self.ratio
        self.follow()
        self.ratio = 1.0 + self.level
        return self.ratio - before

    # what the methods ask

    def unknown(self, steady: SteadyFlow | None) -> SteadyFlow | None:
        """What of a steady flow is neither a known leak nor its usual wander."""
        if steady is None:
            return None
        return SteadyFlow(steady.size - self.by_flicker - self.tracker.state.steady_flow, steady.error)

    def other_kind_rise(self, since: int, minute: int) -> float:
        """How much of a rise from UTC minute `since` to `minute` the other reading of the day would explain, m3/h."""
        if not self.undecided():
            return 0.0
        own, other = self.profile(), self.profile(other=True)
        now = self.day_minute // 15
        then = now - (minute - since) // 15
        apart = [other[quarter] - own[quarter] for quarter in range(max(0, then - BASE_QUARTERS), max(1, then))]
        return max(0.0, other[now] - own[now] - min(apart)) * (1.0 + self.level)

    # corrections

    def correct(self, correction: Correction) -> float:
        """Take what is known now out of the past; returns by how much more flow is expected from here on, m3/h."""
        trackers = [self.tracker] if self.other is None else [self.tracker, self.other]
        if isinstance(correction, ScaleCorrection):
            for tracker in trackers:
                tracker.absorb(correction.since_hour, correction.size, 0.0)
                tracker.unsure(correction.size / 2)
            return self._profile_m3h * (self._take_level() + correction.size)
        before = self.leak_size
        for tracker in trackers:
            tracker.absorb(correction.since_hour, correction.size, correction.by_flicker)
        self.leak_size += correction.size
        self.by_flicker += correction.by_flicker
        return self._profile_m3h * self._take_level() + (self.leak_size - before) * self.use.mean_m3h
