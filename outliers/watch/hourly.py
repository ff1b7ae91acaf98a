"""VALUE: for hours or days, is there more flow than this day and hour usually have?

Each hour's mean is compared with the criterion; `outliers.flow_shift` says by how much a constant flow, begun at the
best-fitting moment, explains the excess, and how sure that is.

Nobody tells a box at a pipe of every holiday, so on working days a second tracker follows the day as if it were a
Sunday. The day becomes one when that fits clearly better, and until it is clear a LEAK must stand against both.
"""

from dataclasses import dataclass
from typing import Any

from outliers.criteria import FlowUse
from outliers.flicker import Still
from outliers.flow_shift import Shift, Tracker
from outliers.rules import HOUR_ROWS as LEAST_ROWS
from outliers.rules import LARGE_AGE_H, ORDINARY_H, SHORT_H, WATCH_AGE_H
from outliers.rules import MAX_AGE_H as RECENT_H

ORDINARY_SHARE = 0.12  # of the mean flow: filling a pool, a large customer's shift
CLEARLY = 6.0  # in squared standard deviations: so much better must a Sunday fit for the day to become one
GONE_SCORE = 3.0  # a fall needs less proof than a rise: clearing too late hides the next leak
GONE_SHARE = 0.5
PROVEN_H, LONG_PROVEN_H = 2, 6  # looks in a row: one wild hour is often gone by the next, a pool by the morning
ALONE_AGE_H, ALONE_SCORE = 24, 7.0  # hours, and their score, that need no texture
YOUNGER = 0.5  # of a score: a use that seems begun this much later may be over soon
ORDINARY_ERRORS = 2.0  # that a use must surely be larger by than an ordinary one
STEPPED = 0.9
OUTLAST_SCORE = 1.5  # of a flow since an ordinary use would have been over, for it to be none
OVER_SCORE = 1.5  # a fall that is even likely delays a LEAK
DOUBT = 0.5  # share of a limit that the other reading of the day must reach too
CUT = 3.0  # standard deviations that one hour counts at most between two readings of a day


@dataclass(frozen=True, slots=True)
class Reading:
    """An hour as one kind of day has it: its place in the week, and the criterion's mean."""

    slot: int
    usual_m3h: float


@dataclass(frozen=True, slots=True)
class Hour:
    """A UTC unix hour that is over: its mean flow, and what its texture says."""

    number: int
    mean_m3h: float
    still: Still | None


class Value:
    """One sensor's hours. `offset` is the flow (share of the mean) of a leak that is known and still running."""

    def __init__(self, use: FlowUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.tracker = self._follow(state.get("tracker"))
        other = state.get("other")
        self.other: Tracker | None = self._follow(other) if other else None
        self.as_sunday: bool = state.get("as_sunday", False)  # the day is read as a Sunday, though it is none
        self.better: float = state.get("better", 0.0)  # how much better the other reading fits today
        self.flow_sum: float = state.get("flow_sum", 0.0)
        self.usual_sum: float = state.get("usual_sum", 0.0)
        self.rows: int = state.get("rows", 0)
        self.offset: float = state.get("offset", 0.0)
        self.steady: float = state.get("steady", 0.0)  # share of the mean that the texture has seen of it
        self.proven: list[int] = list(state.get("proven", [0] * 4))  # hours in a row that proved a leak, by each rule

    def _follow(self, state: dict[str, Any] | None) -> Tracker:
        use = self.use
        return Tracker(use.hours, state, use.level, use.texture.wander if use.texture else 0.0)

    def state(self) -> dict[str, Any]:
        names = ("as_sunday", "better", "flow_sum", "usual_sum", "rows", "offset", "steady")
        return {
            "tracker": self.tracker.state(),
            "other": self.other.state() if self.other else None,
            "proven": list(self.proven),
            **{name: getattr(self, name) for name in names},
        }

    def new_day(self, working: bool) -> None:
        """A local day begins; on a `working` day the Sunday reading is followed beside it."""
        self.other = self._follow(self.tracker.state()) if working else None
        self.as_sunday = False
        self.better = 0.0

    def close(self, hour: int, own: Reading, other: Reading, still: Still | None) -> bool:
        """The hour is over: hand its mean to the trackers. True = the reading of the day has changed.

        `own` and `other` are the hour in the day's reading and in the other, `still` is what its texture says.
        """
        if still is not None:
            still = Still(still.size - self.steady, still.error)
        if self.rows < LEAST_ROWS:
            self.tracker.step(hour, own.slot, None, 0.0, still)
            if self.other is not None:
                self.other.step(hour, other.slot, None, 0.0, still)
            self._new_hour()
            return False
        mean, usual = self.flow_sum / self.rows, self.usual_sum / self.rows
        self._new_hour()
        over = Hour(hour, mean, still)
        self._take(self.tracker, over, own.slot, usual)
        if self.other is None:
            return False
        self._take(self.other, over, other.slot, usual * other.usual_m3h / own.usual_m3h)
        self.better += min(abs(self.tracker.surprise), CUT) ** 2 - min(abs(self.other.surprise), CUT) ** 2
        if self.better > CLEARLY:
            self.tracker, self.other = self.other, self.tracker
            self.as_sunday = not self.as_sunday
            self.better = 0.0
            return True
        return False

    def _take(self, tracker: Tracker, hour: Hour, slot: int, usual_m3h: float) -> None:
        leak = self.use.mean_m3h / usual_m3h
        tracker.step(hour.number, slot, hour.mean_m3h / usual_m3h - 1.0 - self.offset * leak, leak, hour.still)

    def _new_hour(self) -> None:
        self.flow_sum = self.usual_sum = 0.0
        self.rows = 0

    def undecided(self) -> bool:
        """Whether the day may still turn out to be of the other kind."""
        return self.other is not None and self.better > -CLEARLY

    def watch(self) -> Shift | None:
        """A shift that is worth a look."""
        shift = self.tracker.rise(WATCH_AGE_H, RECENT_H)
        return shift if shift.score > self.use.watch_score and self._flows(shift) else None

    def leak(self, stepped: bool, strictness: float) -> Shift | None:
        """A shift that is no ordinary use: older than half a day, or larger than such a use ever is.

        `stepped`: PREDICT has seen the shift begin as a step that lasts, so less proof is asked of a young one.
        `strictness`: times the limits.
        """
        use = self.use
        early = use.early_score * (STEPPED if stepped else 1.0)
        rules = (
            (SHORT_H, RECENT_H, use.long_score, LONG_PROVEN_H),
            (ORDINARY_H, SHORT_H, use.short_score, 1 if stepped else PROVEN_H),
            (2 if stepped else LARGE_AGE_H, ORDINARY_H, early, 1 if stepped else PROVEN_H),
        )
        for rule, (young, old, usual, looks) in enumerate(rules):
            shift, limit = self.tracker.rise(young, old, fair=young == SHORT_H), usual * strictness
            proves = shift.score > limit and not self._ordinary(shift, young) and not self._doubtful(young, old, limit)
            if proves and not (self._flows(shift) and (young < ORDINARY_H or self._outlasts(shift))):
                self.proven = [0] * 4
                return None
            if self._proven(rule, looks, proves=proves):
                return shift
        return self._against_texture(strictness)

    def _proven(self, rule: int, looks: int, *, proves: bool) -> bool:
        """Whether a rule has proved a leak so many looks in a row."""
        self.proven[rule] = self.proven[rule] + 1 if proves else 0
        return self.proven[rule] >= looks

    def _against_texture(self, strictness: float) -> Shift | None:
        """A flow so large for so long that it is told even if it flickers: some leak may do so."""
        if self.use.texture is None:
            return None
        shift, limit = self.tracker.rise(ALONE_AGE_H, RECENT_H, textured=False), ALONE_SCORE * strictness
        large = shift.score > limit and shift.size - ORDINARY_ERRORS * shift.error > ORDINARY_SHARE
        doubtful = self._doubtful(ALONE_AGE_H, RECENT_H, limit, textured=False)
        proves = large and not doubtful and self._flows(shift, textured=False)
        return shift if self._proven(3, PROVEN_H, proves=proves) else None

    def _ordinary(self, shift: Shift, young: int) -> bool:
        """Whether a start at least `young` hours ago may be a use that is soon over: a pool, a shift."""
        if young == ORDINARY_H:
            return self.tracker.rise(LARGE_AGE_H - 1, ORDINARY_H).score > shift.score - YOUNGER
        return young < ORDINARY_H and shift.size - ORDINARY_ERRORS * shift.error <= ORDINARY_SHARE

    def _flows(self, shift: Shift, *, textured: bool = True) -> bool:
        """Whether it still flows: a pool that is full by now was no leak."""
        fall = self.tracker.fall(1, ORDINARY_H, textured=textured)
        return fall.score < OVER_SCORE or -fall.size < GONE_SHARE * shift.size

    def _outlasts(self, shift: Shift) -> bool:
        """Whether it has shown itself since an ordinary use would have been over; what one left stays in the mean."""
        return self.tracker.rise_since(shift.since + ORDINARY_H).score >= OUTLAST_SCORE

    def _doubtful(self, young: int, old: int, limit: float, *, textured: bool = True) -> bool:
        if self.other is None or not self.undecided():
            return False
        return self.other.rise(young, old, textured=textured, fair=young == SHORT_H).score < DOUBT * limit

    def gone(self, size: float, *, textured: bool) -> bool:
        """Whether most of a known leak of `size` (share of the mean) has stopped.

        `textured`: the texture has seen it.
        """
        fall = self.tracker.fall(1, RECENT_H, textured=textured)
        return fall.score > GONE_SCORE and -fall.size > GONE_SHARE * size

    def accept(self, since_hour: int, size: float, steady: float) -> None:
        """A leak of `size` (share of the mean) runs since `since_hour`; negative when it has ended.

        `steady` of it is what the texture has seen.
        """
        for tracker in self._trackers():
            tracker.accept(since_hour, size, steady)
        self.offset += size
        self.steady += steady

    def rescale(self, since_hour: int, size: float) -> None:
        """The meter has shown a share of `size` too much since `since_hour`, and its flow comes corrected from now."""
        for tracker in self._trackers():
            tracker.accept(since_hour, size, 0.0)
            tracker.unsure(size / 2)

    def _trackers(self) -> list[Tracker]:
        return [self.tracker] if self.other is None else [self.tracker, self.other]
