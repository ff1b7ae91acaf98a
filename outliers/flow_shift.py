"""Tracks how water use varies from hour to hour, and whether a constant flow has been added.

Use is a profile (day of week, quarter of an hour) times `1 + u`. A small Kalman filter tracks `u` with three states: a
slow level (season, weather), a deviation that lasts about a day, and one that lasts hours; both deviations are larger
in hours that vary more (`HourModel.load`). A leak is not a factor: it
adds the same m3/h by night and by day. For a set of possible start times the tracker computes, hour by hour, the effect
that a leak since then would have on the filter. So it always knows the best-fitting size, its uncertainty, and the
score (size over uncertainty): a generalised likelihood ratio after Willsky and Jones (1976). Recent start times are
closer together than old ones, so the state has a constant size.

If the site allows it, each hour's flicker shows how much of the flow is steady (`outliers.flicker`). It does not depend
on profile and weather, so it is a second measurement: a filter with one state tracks its slow wander, and both are
combined into one score.

Hours with extreme values get less weight (Huber), so one hour can neither raise an alarm nor distort the level.
"""

import math
from collections.abc import Iterable, Iterator

from outliers.flicker import FALL_GUARD, GUARD, SteadyFlow
from outliers.growth import STEADY, begin, hours
from outliers.hour_model import STEADY_MEMORY, HourModel, distrust
from outliers.rules import MAX_AGE_H, START_VARIANCE
from outliers.shift import NO_SHIFT, Constant, Shift
from outliers.tracker_state import StartEffect, TrackerState

WILD_WEIGHT = 1 / 168  # a week
WILD_CUT = 16.0  # one hour counts no more than four standard deviations
WILD_SLACK = 2.2  # heavy tails make it 1.5 on average; an ordinary week reaches this


class ShiftTracker:
    """Tracks one sensor's hourly ratio: one `on_hour` per hour.

    `wander` is that of the steady flow (`outliers.flicker`), 0 if the flicker was not learnt.
    """

    def __init__(
        self, model: HourModel, state: TrackerState | None = None, level: float = 0.0, wander: float = 0.0
    ) -> None:
        self.model, self.wander = model, wander
        spread = sum(model.spread) / len(model.spread)
        cov = (START_VARIANCE, 0.0, 0.0, model.day_variance, 0.0, spread * spread)
        self.state = state or TrackerState(level, cov, wander * wander)

    def twin(self) -> "ShiftTracker":
        """An independent copy."""
        return ShiftTracker(self.model, self.state.twin(), wander=self.wander)

    def expected_day(self) -> float:
        """The day-scale deviation that is expected in the coming hour, if its spread is usual."""
        return self.state.day * self.model.day_memory

    def expected_ratio(self, slot: int) -> float:
        """The expected ratio in the coming hour, without the short deviation, which a step in the flow also moves."""
        return self.state.level + self.expected_day() * self.model.load(slot)

    def stretch(self) -> float:
        """How much larger than in the archive the variation of the last week was (standard deviations); at least 1.

        Habits can change before the criteria are rebuilt (garden watering, a new customer). Scores are divided by this,
        so such weeks do not give an alarm each morning.
        """
        return max(1.0, math.sqrt(self.state.wild / WILD_SLACK))

    def on_hour(self, hour: int, slot: int, ratio: float | None, leak: float, steady: SteadyFlow | None = None) -> None:
        """Process hour `hour` (UTC unix hour), `slot` of the week: its `ratio` u, None with too few good minutes.

        `leak` is what a leak of the size of the mean flow would add to `u` in this hour: mean flow / profile. `steady`
        is the extra steady flow by the hour's flicker, None if unknown.
        """
        last = self.state.hour
        if last is not None and hour > last + 1:
            for missed in range(max(last + 1, hour - MAX_AGE_H), hour):
                self._predict(missed, slot)
        self._predict(hour, slot)
        self.state.hour = hour
        if ratio is not None:
            self._update(ratio, leak, slot)
        if steady is not None:
            self._update_steady(steady)

    def _predict(self, hour: int, slot: int) -> None:
        """Advance by an hour."""
        model, state = self.model, self.state
        by_day, by_hour = model.day_memory, model.hour_memory
        state.day *= by_day
        state.short *= by_hour
        ll, ld, ls, dd, ds, ss = state.cov
        state.cov = (
            ll + model.level_variance,
            ld * by_day,
            ls * by_hour,
            dd * by_day * by_day + model.new_day_variance(),
            ds * by_day * by_hour,
            ss * by_hour * by_hour + model.new_hour_variance(slot),
        )
        gain = 1 - STEADY_MEMORY * STEADY_MEMORY
        state.steady_flow *= STEADY_MEMORY
        state.steady_variance += (self.wander * self.wander - state.steady_variance) * gain
        starts = state.starts
        for effect in starts.values():
            effect.day *= by_day
            effect.short *= by_hour
            effect.steady *= STEADY_MEMORY
        starts[hour] = StartEffect()
        for first in [first for first in starts if _too_close(hour - first, first)]:
            del starts[first]
        if state.growth is not None:
            state.growth = state.growth.later(model, slot, self.wander)

    def _update(self, ratio: float, leak: float, slot: int) -> None:
        state, load, noise = self.state, self.model.load(slot), self.model.noise(slot)
        if state.growth is not None:
            state.growth = state.growth.measured(hours(leak, load), ratio, noise)
        ll, ld, ls, dd, ds, ss = state.cov
        to_level, to_day, to_short = ll + load * (ld + ls), ld + load * (dd + ds), ls + load * (ds + ss)
        variance = to_level + load * (to_day + to_short) + noise
        wrong = ratio - state.level - load * (state.day + state.short)
        surprise = state.surprise = wrong / math.sqrt(variance)
        state.wild += WILD_WEIGHT * (min(surprise * surprise, WILD_CUT) - state.wild)
        variance *= distrust(surprise)
        gain_level, gain_day, gain_short = to_level / variance, to_day / variance, to_short / variance
        state.level += gain_level * wrong
        state.day += gain_day * wrong
        state.short += gain_short * wrong
        state.cov = (
            ll - gain_level * to_level,
            ld - gain_level * to_day,
            ls - gain_level * to_short,
            dd - gain_day * to_day,
            ds - gain_day * to_short,
            ss - gain_short * to_short,
        )
        scaled = wrong / variance
        for effect in state.starts.values():
            left = leak - effect.level - load * (effect.day + effect.short)
            effect.level += gain_level * left
            effect.day += gain_day * left
            effect.short += gain_short * left
            effect.total += left * scaled
            effect.information += left * left / variance

    def _update_steady(self, seen: SteadyFlow) -> None:
        state = self.state
        if state.growth is not None:
            state.growth = state.growth.measured(STEADY, seen.size, seen.error * seen.error)
        variance = state.steady_variance + seen.error * seen.error
        wrong = seen.size - state.steady_flow
        variance *= distrust(wrong / math.sqrt(variance))
        gain = state.steady_variance / variance
        state.steady_flow += gain * wrong
        state.steady_variance -= gain * state.steady_variance
        for effect in state.starts.values():
            left = 1.0 - effect.steady
            effect.steady += gain * left
            effect.steady_total += left * wrong / variance
            effect.steady_information += left * left / variance

    def rise(self, youngest_h: int, oldest_h: int, *, with_flicker: bool = True, fair: bool = False) -> Shift:
        """The start of `youngest_h` to below `oldest_h` hours ago with the highest score, by hours and flicker.

        A rise without extra steady flow scores low: use also rises, with heavy tails. `fair`: there are many recent
        starts and few old ones, so chance favours the recent ones. The squared score of a start gains twice the log of
        its age relative to the youngest, so all ages alarm equally often.
        """
        return self._best(youngest_h, oldest_h, 1, with_flicker, fair)

    def fall(self, youngest_h: int, oldest_h: int, *, with_flicker: bool = True) -> Shift:
        """The same for a flow that has ended; `with_flicker=False` for any use that has ended."""
        return self._best(youngest_h, oldest_h, -1, with_flicker)

    def rise_since(self, first: int) -> Shift:
        """A flow that began at the possible start nearest to hour `first`."""
        nearest = min(self.state.starts, key=lambda start: abs(start - first), default=None)
        if self.state.hour is None or nearest is None:
            return NO_SHIFT
        age = self.state.hour + 1 - nearest
        return self.rise(age, age + 1)

    def change(self) -> tuple[float, float]:
        """The constant flow that is there since the oldest possible start, of either sign, and its standard error.

        Shares of the mean; beside what has been absorbed.
        """
        effect = self.state.starts[min(self.state.starts)] if self.state.starts else None
        if effect is None or effect.information <= 0:
            return 0.0, math.inf
        total, information = effect.total, effect.information
        if effect.steady_information > 0:
            total, information = total + effect.steady_total, information + effect.steady_information
        return total / information, self.stretch() / math.sqrt(information)

    def follow(self, size: float, doubt: float) -> None:
        """A known flow of `size`, known to within `doubt` (shares of the mean): follow how it changes from now on."""
        state = self.state
        means = (state.level, state.day, state.short, state.steady_flow, 0.0)
        state.growth = begin(means, state.cov, state.steady_variance, size, doubt)

    def growth(self) -> tuple[float, float] | None:
        """The change of the flow that is followed, and its standard error; None: no hour of it is known."""
        if self.state.growth is None or not self.state.starts:
            return None
        change, error = self.state.growth.change()
        return change, self.stretch() * error

    def falls(self, *, with_flicker: bool = True) -> Iterator[Shift]:
        """Every possible end of a flow, each with the fall since then."""
        return self._shifts(1, MAX_AGE_H, -1, with_flicker)

    def _best(self, youngest_h: int, oldest_h: int, sign: int, with_flicker: bool, fair: bool = False) -> Shift:
        return max(
            self._shifts(youngest_h, oldest_h, sign, with_flicker, fair),
            key=lambda shift: shift.score,
            default=NO_SHIFT,
        )

    def _shifts(
        self, youngest_h: int, oldest_h: int, sign: int, with_flicker: bool, fair: bool = False
    ) -> Iterator[Shift]:
        """Those with a score."""
        last = self.state.hour
        if last is None:
            return
        weight = 1.0 / self.stretch() ** 2
        for first, effect in self.state.starts.items():
            age = last + 1 - first
            if not youngest_h <= age < oldest_h or effect.information <= 0:
                continue
            total, information = effect.total * weight, effect.information * weight
            steady = None
            if with_flicker and effect.steady_information > 0:
                total, information = total + effect.steady_total, information + effect.steady_information
                steady = SteadyFlow(
                    effect.steady_total / effect.steady_information, 1 / math.sqrt(effect.steady_information)
                )
            score = sign * total / math.sqrt(information)
            if steady is not None:
                score = min(score, (GUARD if sign > 0 else FALL_GUARD) * sign * steady.size / steady.error)
            if fair and score > 0.0:
                score = math.sqrt(score * score + 2 * math.log(age / youngest_h))
            if score > 0.0:
                yield Shift(score, total / information, 1 / math.sqrt(information), first, steady)

    def unsure(self, size: float) -> None:
        """Add uncertainty of `size` (share of the usual) to level and steady flow, so the next hours can move them."""
        ll, *others = self.state.cov
        ld, ls, dd, ds, ss = others
        self.state.cov = (ll + size * size, ld, ls, dd, ds, ss)
        self.state.steady_variance += size * size * (self.wander > 0)

    def absorb(self, flows: Iterable[Constant]) -> None:
        """Constant flows are now known: remove their past effect. The first hour of one may be in part: such a flow is
        the rest of it since this hour, and its part since the next.

        The caller subtracts them from future hours. All starts are dropped, so later changes are measured against the
        flow including the shift; nothing is followed.
        """
        for first, size, by_flicker in flows:
            hour = math.floor(first)
            later = first - hour
            for start, share in ((hour, 1.0 - later), (hour + 1, later)):
                self._remove(start, share * size, share * by_flicker)
        self.state.starts = {}
        self.state.growth = None

    def _remove(self, first: int, size: float, by_flicker: float) -> None:
        state, last = self.state, self.state.hour
        kept = min(state.starts, key=lambda start: abs(start - first), default=None)
        begun = last is not None and first <= last  # otherwise no hour with the shift has been processed yet
        if begun and kept is not None and abs(kept - first) <= max(1, ((last or first) - first) // 2):
            effect = state.starts[kept]
            state.level -= effect.level * size
            state.day -= effect.day * size
            state.short -= effect.short * size
            state.steady_flow -= effect.steady * by_flicker


def _too_close(age: int, first: int) -> bool:
    """Thins out old starts: every hour up to 8 h, then at multiples of a power of two below age / 2."""
    if age >= MAX_AGE_H:
        return True
    return age >= 8 and first % (1 << (age.bit_length() - 3)) != 0
