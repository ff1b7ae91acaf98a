"""VALUE: has the flow been above its usual for hours or days?

`expectation` compares each hour's mean with the profile; its tracker finds the constant flow and start that best
explain the excess, and the certainty. Until it is clear whether a working day is like a Sunday, a LEAK must exceed the
limit for both kinds of day.
"""

from collections.abc import Container, Iterator
from typing import Annotated, NamedTuple

import msgspec

from common.state_file import Count, Minute
from outliers.criteria import FlowUse
from outliers.findings import End
from outliers.flow_shift import ShiftTracker
from outliers.rules import LARGE_AGE_H, MAX_AGE_H, ORDINARY_H, SHORT_H, WATCH_AGE_H, YOUNGER
from outliers.shift import Shift
from outliers.watch.active import Leak
from outliers.watch.evidence import HIGH, Change, Evidence, LeakEnd, LeakEvidence, Numbers, ended
from outliers.watch.expectation import Expectation
from outliers.watch.flicker_watch import steady_numbers

ORDINARY_SHARE = 0.12  # of the mean flow: filling a pool, a large customer's shift
BACK_SHARE = 0.7  # of a WATCH's limit: it ends below this
# Log of the odds that a leak is over: what an hour must say at least, what it counts at most, and what hours in a row
# must say together. One low hour is often over by the next; a small leak's odds do not become larger with time.
LEAST_ODDS, MOST_ODDS, OVER_ODDS = 7.0, 10.0, 20.0
SINCE_ODDS = 14.0  # and for it to have ended when; larger ones say rather that the use of some days was low
NEARLY_ALL = 0.75  # of a leak's size: ordinary falls of the use reach half of it
GONE_SHARE = 0.5  # of a use that is over
PROVEN_H, LONG_PROVEN_H = 2, 6  # hours in a row: one extreme hour is often over by the next, a pool by the morning
ALONE_AGE_H, ALONE_SCORE = 24, 7.0  # a shift this old, with this score, is raised even if the flicker contradicts it
YOUNGEST_H = 2  # of a start that a LEAK is told to have
ORDINARY_ERRORS = 2.0  # standard errors by which a use must exceed an ordinary one
STEPPED = 0.9  # times the early limit if PREDICT saw the start
OUTLAST_SCORE = 1.5  # score of the flow after the end of an ordinary use, to be none
OVER_SCORE = 1.5  # a likely fall delays a LEAK
DOUBT = 0.5  # share of a limit that the other kind of day must also reach
RULES = 4  # for a leak: long, short, early, against the flicker
ALONE_RULE = RULES - 1


class _PossibleEnd(NamedTuple):
    """A leak has been gone since UTC hour `since`: the log of the odds, its size before, and the fall; shares."""

    since: int
    fall: float
    before: float
    odds: float


class HourlyState(msgspec.Struct):
    """The state of `Hourly`.

    Attributes:
        proven: for how many hours in a row each rule has detected a leak.
        sizes: of the newest leak, share of the mean, as they were known at the start of each hour since which it may be
            over.
        sized: when that leak was raised.
        over: the odds that it is over, of the last hours in a row together.
    """

    proven: Annotated[list[Count], msgspec.Meta(min_length=RULES, max_length=RULES)] = msgspec.field(
        default_factory=lambda: [0] * RULES
    )
    sizes: dict[int, float] = {}
    sized: Minute = 0
    over: float = 0.0


class Hourly:
    """Checks one sensor's hours."""

    def __init__(self, use: FlowUse, state: HourlyState | None = None) -> None:
        self.use = use
        self.state = state or HourlyState()

    def watch(self, minute: int, expected: Expectation) -> Evidence | None:
        """Whether a shift justifies a WATCH, or is over. A start that a use may explain must reach a LEAK's limit."""
        tracker, use = expected.tracker, self.use
        over = 0.0
        for young, old, limit in ((WATCH_AGE_H, ORDINARY_H, use.early_score), (ORDINARY_H, MAX_AGE_H, use.watch_score)):
            shift = tracker.rise(young, old)
            if shift.score > limit and _flows(tracker, shift):
                return Evidence(HIGH, Change.BEGAN, minute, shift.since * 60, self._excess(shift))
            over = max(over, shift.score / limit)
        return ended(HIGH, minute, End.USUAL) if over < BACK_SHARE else None

    def _excess(self, shift: Shift) -> Numbers:
        mean = self.use.mean_m3h
        over = {"rise_m3h": shift.size * mean, "error_m3h": shift.error * mean, "share": shift.size}
        return over | steady_numbers(shift.steady, mean)

    def leak(self, minute: int, expected: Expectation, *, stepped: bool, strictness: float) -> LeakEvidence | None:
        """The leak that the hours show, or None.

        Args:
            stepped: PREDICT saw the start as a lasting step, so a recent start needs less evidence.
            strictness: times the limits.
        """
        shift = self._proof(expected, stepped, strictness)
        if shift is None:
            return None
        leak = Leak("VALUE", minute, shift.since * 60, shift.size, shift.size if shift.steady else 0.0)
        return LeakEvidence(leak, self._excess(shift))

    def _proof(self, expected: Expectation, stepped: bool, strictness: float) -> Shift | None:
        """A shift that is not an ordinary use: older than half a day, or larger than such a use."""
        use, tracker = self.use, expected.tracker
        early = use.early_score * (STEPPED if stepped else 1.0)
        rules = (
            (SHORT_H, MAX_AGE_H, use.long_score, LONG_PROVEN_H),
            (ORDINARY_H, SHORT_H, use.short_score, 1 if stepped else PROVEN_H),
            (2 if stepped else LARGE_AGE_H, ORDINARY_H, early, 1 if stepped else PROVEN_H),
        )
        for rule, (young, old, plain_limit, hours) in enumerate(rules):
            shift, limit = tracker.rise(young, old, fair=young == SHORT_H), plain_limit * strictness
            proves = shift.score > limit and not _ordinary(tracker, shift, young)
            proves = proves and not _doubtful(expected, young, old, limit)
            if proves and not (_flows(tracker, shift) and (young < ORDINARY_H or _outlasts(tracker, shift))):
                self.state.proven = [0] * RULES
                return None
            if self._proven(rule, hours, proves=proves):
                return tracker.rise(YOUNGEST_H, MAX_AGE_H)  # the likeliest start and size, whichever rule it was
        return self._against_flicker(expected, strictness)

    def _proven(self, rule: int, hours: int, *, proves: bool) -> bool:
        """Whether a rule has detected a leak for `hours` hours in a row."""
        proven = self.state.proven
        proven[rule] = proven[rule] + 1 if proves else 0
        return proven[rule] >= hours

    def _against_flicker(self, expected: Expectation, strictness: float) -> Shift | None:
        """A shift large and old enough to be raised even against the flicker: a leak may flicker."""
        if self.use.texture is None:
            return None
        tracker, limit = expected.tracker, ALONE_SCORE * strictness
        shift = tracker.rise(ALONE_AGE_H, MAX_AGE_H, with_flicker=False)
        large = shift.score > limit and shift.size - ORDINARY_ERRORS * shift.error > ORDINARY_SHARE
        doubtful = _doubtful(expected, ALONE_AGE_H, MAX_AGE_H, limit, with_flicker=False)
        proves = large and not doubtful and _flows(tracker, shift, with_flicker=False)
        return shift if self._proven(ALONE_RULE, PROVEN_H, proves=proves) else None

    def end(self, leak: Leak, size: float, hour: int, expected: Expectation) -> LeakEnd | None:
        """Whether a known leak is over, after `hour`: since some hour its flow has fallen by nearly all of the size
        that it had until then, and "all of it" explains that far better than "none of it".

        Args:
            size: after `hour`, share of the mean flow.
        """
        self._keep_sizes(leak, expected.tracker.state.starts)
        falls = [*self._ends(leak, expected.tracker)]
        best = max(falls, key=lambda fall: fall.odds, default=None)
        self.state.sizes[hour + 1] = size
        self.state.over = self.state.over + min(best.odds, MOST_ODDS) if best is not None else 0.0
        if best is None or self.state.over < OVER_ODDS:
            return None
        until = max(fall.since for fall in falls if fall.odds >= min(SINCE_ODDS, best.odds))
        numbers = {"fall_m3h": best.fall * self.use.mean_m3h}
        return LeakEnd(best.since, End.USUAL, numbers, until=until * 60, size=best.before)

    def _ends(self, leak: Leak, tracker: ShiftTracker) -> Iterator[_PossibleEnd]:
        """The hours since which nearly all of it may be gone."""
        for fall in tracker.falls(with_flicker=leak.by_flicker > 0.0):
            before = self._size_before(fall.since, leak)
            odds = before * (-fall.size - before / 2) / fall.error**2
            if -fall.size > NEARLY_ALL * before and odds > LEAST_ODDS:
                yield _PossibleEnd(fall.since, -fall.size, before, odds)

    def _keep_sizes(self, leak: Leak, starts: Container[int]) -> None:
        state = self.state
        same = state.sized == leak.raised
        state.sizes = {first: size for first, size in state.sizes.items() if same and first in starts}
        state.sized = leak.raised

    def _size_before(self, hour: int, leak: Leak) -> float:
        """The leak's size as it was known when `hour` began, share of the mean."""
        sizes = self.state.sizes
        known = max((first for first in sizes if first <= hour), default=None)
        return leak.size if known is None else sizes[known]


def gone_since(leak: Leak, hour: int, expected: Expectation) -> int:
    """The UTC hour since which a leak that is over has been gone: that of its fall, else `hour`."""
    fall = expected.tracker.fall(1, MAX_AGE_H, with_flicker=leak.by_flicker > 0.0)
    return fall.since if -fall.size > GONE_SHARE * leak.size else hour


def _ordinary(tracker: ShiftTracker, shift: Shift, young: int) -> bool:
    """Whether a start at least `young` hours ago may be a use that is soon over: a pool, a shift."""
    if young == ORDINARY_H:
        return tracker.rise(LARGE_AGE_H - 1, ORDINARY_H).score > shift.score - YOUNGER
    return young < ORDINARY_H and shift.size - ORDINARY_ERRORS * shift.error <= ORDINARY_SHARE


def _flows(tracker: ShiftTracker, shift: Shift, *, with_flicker: bool = True) -> bool:
    """Whether it still flows: a pool that is full now was no leak."""
    fall = tracker.fall(1, ORDINARY_H, with_flicker=with_flicker)
    return fall.score < OVER_SCORE or -fall.size < GONE_SHARE * shift.size


def _outlasts(tracker: ShiftTracker, shift: Shift) -> bool:
    """Whether it shows after an ordinary use would have ended; before that, such a use would affect the mean."""
    return tracker.rise_since(shift.since + ORDINARY_H).score >= OUTLAST_SCORE


def _doubtful(expected: Expectation, young: int, old: int, limit: float, *, with_flicker: bool = True) -> bool:
    """Whether the other kind of day, while still possible, contradicts a leak."""
    if expected.other is None or not expected.undecided():
        return False
    rise = expected.other.rise(young, old, with_flicker=with_flicker, fair=young == SHORT_H)
    return rise.score < DOUBT * limit
