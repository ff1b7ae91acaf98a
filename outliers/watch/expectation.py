"""The expected flow: the profile of the kind of day, times the current level, plus known leaks.

The level is tracked hour by hour (`outliers.flow_shift`). Not every holiday is in the calendar, so on working days a
second tracker assumes a Sunday. The day counts as a Sunday when that fits clearly better.

Known leaks and meter errors are corrected only here: `correct`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from outliers.criteria import FlowUse
from outliers.flicker import SteadyFlow
from outliers.flow_shift import ShiftTracker
from outliers.rules import HOUR_ROWS, SUNDAY
from outliers.shift import Constant
from outliers.tracker_state import TrackerState
from outliers.watch.correction import Correction, ScaleCorrection
from outliers.watch.expectation_state import ExpectationState

HOLIDAY = 2.0  # times the step limits on a listed holiday, because holidays differ
CLEARLY = 6.0  # squared standard deviations by which a Sunday must fit better for the day to become one
CUT = 3.0  # standard deviations: the most that one hour counts when two kinds of day are compared
BASE_QUARTERS = 6  # quarters before a step that its base may use


@dataclass(frozen=True, slots=True)
class HourForecast:
    """The forecast of the current hour's mean, made at its start; None if there is none."""

    flow_m3h: float | None
    pressure_bar: float | None = None


class Expectation:
    """The expected flow of one sensor."""

    def __init__(
        self, use: FlowUse, zone: ZoneInfo, holidays: Collection[date] = (), state: ExpectationState | None = None
    ) -> None:
        state = state or ExpectationState()
        self.use, self.zone, self.holidays = use, zone, frozenset(holidays)
        self.tracker = self._tracker(state.tracker)
        self.other = self._tracker(state.other) if state.other else None
        self.as_sunday, self.better = state.as_sunday, state.better
        self._flow_sum, self._profile_sum, self._rows = state.flow_sum, state.profile_sum, state.rows
        self.leak_size, self.by_flicker, self.accepted = state.leak_size, state.by_flicker, state.accepted
        self._level, self._day = use.level if state.level is None else state.level, state.day
        self.level = self._level
        self.ratio = 1.0 + self.level if state.ratio is None else state.ratio
        self.measured = False  # whether the last hour has a mean
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
            level=self._level,
            day=self._day,
            ratio=self.ratio,
            accepted=self.accepted,
        )

    # the profile

    def restart(self, minute: int) -> None:
        """Continue in the day of a UTC minute."""
        local = datetime.fromtimestamp(minute * 60, self.zone)
        self.day = local.date()
        self.weekday = self._kind(self.day)

    def on_quarter(self, minute: int) -> None:
        """Start a quarter of an hour: update the local time and, on a new day, its kind."""
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
        self._set_level()

    def take_profile(self) -> None:
        """Set the profile of the current quarter and its slopes to the neighbouring quarters."""
        row, quarter = self.profile(), self.day_minute // 15
        here = self._profile_m3h = row[quarter]
        self._before = (here - row[quarter - 1]) / 15 if quarter else 0.0
        self._after = (row[quarter + 1] - here) / 15 if quarter < len(row) - 1 else 0.0

    def _kind(self, day: date) -> int:
        return SUNDAY if day in self.holidays else day.weekday()

    def kind_at(self, minute: int) -> int:
        """The kind of the local day of a UTC minute."""
        return self._kind(datetime.fromtimestamp(minute * 60, self.zone).date())

    def _read_as(self, other: bool = False) -> int:
        """The kind of day that fits better, or the `other` one."""
        return SUNDAY if self.as_sunday != other else self.weekday

    def profile(self, other: bool = False) -> tuple[float, ...]:
        """The day's quarters."""
        return self.use.profile_m3h[self._read_as(other)]

    def _hour_mean(self, other: bool = False) -> float:
        """The profile's mean over the current hour."""
        first = 4 * self.hour_of_day
        return sum(self.profile(other)[first : first + 4]) / 4

    def slot(self, other: bool = False) -> int:
        """The current hour's index in the week."""
        return self._read_as(other) * 24 + self.hour_of_day

    def limit_ratio(self) -> float:
        """Factor on the step limits, which follow the level."""
        return (HOLIDAY if self.day in self.holidays else 1.0) * (1.0 + self.level)

    def undecided(self) -> bool:
        """Whether the day may still change its kind."""
        return self.other is not None and self.better > -CLEARLY

    # rows and hours

    @property
    def leak_m3h(self) -> float:
        """Flow of the known leaks."""
        return self.leak_size * self.use.mean_m3h

    @property
    def use_m3h(self) -> float:
        """Expected flow in the middle of the current quarter, without known leaks."""
        return self._profile_m3h * self.ratio

    def on_row(self, minute: int, flow: float, forecast: HourForecast | None, *, hold: bool) -> float:
        """Process a good flow; returns its residual, m3/h.

        `hold`: keep the ratio; a forecast made during a step already contains the step.
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

    def forget_hour(self) -> None:
        """The rows of this hour so far are none of the use."""
        self._flow_sum = self._profile_sum = 0.0
        self._rows = 0

    def on_hour(self, hour: int, steady: SteadyFlow | None) -> float | None:
        """End of the UTC `hour`: pass its mean to the trackers. `steady` is its extra steady flow by the flicker.

        Returns None, or, if the day now counts as the other kind, the rise of its profile, m3/h.
        """
        if steady is not None:
            steady = SteadyFlow(steady.size - self.by_flicker, steady.error)
        rows, flow_sum, profile_sum = self._rows, self._flow_sum, self._profile_sum
        self.forget_hour()
        self.measured = rows >= HOUR_ROWS
        if not self.measured:
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
        """`means` are the means of flow and profile, m3/h."""
        flow, profile = means
        leak = self.use.mean_m3h / profile
        tracker.on_hour(hour, slot, flow / profile - 1.0 - self.leak_size * leak, leak, steady)

    def follow(self) -> None:
        """Use the tracker's level from now on."""
        self._level, self._day = self.tracker.state.level, self.tracker.expected_day()
        self._set_level()

    def _set_level(self) -> None:
        """Expected flow / profile - 1 in the current hour of the week, from the level that is followed."""
        self.level = self._level + self._day * self.use.hours.load(self.slot())

    def _take_level(self) -> float:
        """Use the tracker's level at once; returns the increase of the expected ratio."""
        before = self.ratio
        self.follow()
        self.ratio = 1.0 + self.level
        return self.ratio - before

    # what the methods ask

    def unknown(self, steady: SteadyFlow | None) -> SteadyFlow | None:
        """The part of a steady flow that is neither a known leak nor its usual wander."""
        if steady is None:
            return None
        return SteadyFlow(steady.size - self.by_flicker - self.tracker.state.steady_flow, steady.error)

    def other_kind_rise(self, since: int, minute: int) -> float:
        """The rise from UTC minute `since` to `minute` that the other kind of day would explain, m3/h."""
        if not self.undecided():
            return 0.0
        own, other = self.profile(), self.profile(other=True)
        now = self.day_minute // 15
        then = now - (minute - since) // 15
        apart = [other[quarter] - own[quarter] for quarter in range(max(0, then - BASE_QUARTERS), max(1, then))]
        return max(0.0, other[now] - own[now] - min(apart)) * (1.0 + self.level)

    # corrections

    def correct(self, correction: Correction) -> float:
        """Remove the effect of a known leak or meter error; returns the increase of the expected flow, m3/h."""
        trackers = [self.tracker] if self.other is None else [self.tracker, self.other]
        if isinstance(correction, ScaleCorrection):
            for tracker in trackers:
                tracker.absorb([Constant(correction.since_hour, correction.size, 0.0)])
                tracker.unsure(correction.size / 2)
            return self._profile_m3h * (self._take_level() + correction.size)
        before = self.leak_size
        for tracker in trackers:
            tracker.absorb(correction.flows())
        self.leak_size += correction.size
        self.by_flicker += correction.by_flicker
        return self._profile_m3h * self._take_level() + (self.leak_size - before) * self.use.mean_m3h

    def accept(self, minute: int, error: float) -> None:
        """A leak, known to within `error` (share of the mean), is usual from now on."""
        self.accepted = minute
        for tracker in (self.tracker, self.other):
            if tracker is not None:
                tracker.state.growth = None
                tracker.unsure(error)

    def follow_leak(self, size: float, doubt: float) -> None:
        """Follow how a known leak of `size`, known to within `doubt` (shares of the mean), changes from now on."""
        for tracker in (self.tracker, self.other):
            if tracker is not None and tracker.state.growth is None:
                tracker.follow(size, doubt)
