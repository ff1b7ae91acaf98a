"""NIGHT: are the newest nights higher than those before them, whatever is already known to leak?

Each night is compared with the nights since the last shift. So the baseline restarts after each leak, repair and new
use, and the third of several leaks is as visible as the first. What a night varies by is taken from the changes from
one night to the next, which a leak moves only once. Nights may be missing, so each is kept with its end.
"""

import math
import statistics
from dataclasses import dataclass

import msgspec

from common.state_file import Minute
from outliers.criteria import NightUse
from outliers.night_reference import night_spread

SHIFT_SCORE = 5.0  # standard errors: of chance, once in some years
KEPT_CHANGES = 45  # the spread of the newest nights counts, if it is larger than most of the archive's
ARCHIVE_SHARE = 0.7
LEAST_SHARE = 0.002  # of the mean flow: least spread of a night
LEAST_NEW, MOST_NEW = 2, 10  # nights since a shift: one high night is a pool
LEAST_OLD, MOST_OLD = 2, 21  # nights before it
HALF = 0.5  # of a shift: each of the two newest nights must show it
MOST_GAP_MIN = 10 * 1440  # without a night: what was before says no longer how nights are
MEDIAN_VARIANCE = math.pi / 2  # of a median, against that of a mean


class NightLevels(msgspec.Struct):
    """The state of `NightShift`: nights since the last shift (m3/h), less what their day of the week is usually higher
    by, the UTC minute at which each ended, and the newest changes from night to night."""

    nights: list[float] = []
    ends: list[Minute] = []
    changes: list[float] = []


@dataclass(frozen=True, slots=True)
class Rise:
    """The nights have risen, or fallen, for so many nights; m3/h. `since`, `first`: UTC minutes at which the last night
    before it and its first night ended."""

    before_m3h: float
    rise_m3h: float
    error_m3h: float
    nights: int
    since: int
    first: int

    @property
    def score(self) -> float:
        return self.rise_m3h / self.error_m3h


class NightShift:
    """One sensor's nights. `mean_m3h` is the archive's mean flow."""

    def __init__(self, use: NightUse, mean_m3h: float, state: NightLevels | None = None) -> None:
        self.use, self.mean_m3h = use, mean_m3h
        self.state = state or NightLevels()
        if len(self.state.ends) != len(self.state.nights):
            self._keep(0, 0)

    def on_night(self, end: int, flow_m3h: float, kind: int) -> Rise | None:
        """After a night that ended at UTC minute `end`, on a day of this kind (0 = Monday): a shift, if there is one;
        the baseline restarts."""
        use, state = self.use, self.state
        if use.change_m3h <= 0:
            return None
        night = flow_m3h - use.weekday_m3h[kind]
        if state.ends and not 0 < end - state.ends[-1] <= MOST_GAP_MIN:
            self._keep(0, 0)
        if state.nights:
            state.changes = [*state.changes, abs(night - state.nights[-1])][-KEPT_CHANGES:]
        state.nights, state.ends = [*state.nights, night], [*state.ends, end]
        self._keep(len(state.nights) - MOST_OLD - MOST_NEW, len(state.nights))
        best = max(self._shifts(), key=lambda rise: abs(rise.score), default=None)
        if best is None or abs(best.score) < SHIFT_SCORE:
            return None
        self._keep(len(state.nights) - best.nights, len(state.nights))
        return best

    def restart(self, since: int) -> None:
        """What has begun since UTC minute `since` is usual from now on."""
        self._keep(self._before(since), len(self.state.nights))

    def forget(self, since: int) -> None:
        """The nights since UTC minute `since` were measured wrongly."""
        self._keep(0, self._before(since))

    def _before(self, minute: int) -> int:
        return sum(end <= minute for end in self.state.ends)

    def _keep(self, first: int, end: int) -> None:
        state, kept = self.state, slice(max(0, first), end)
        state.nights, state.ends = state.nights[kept], state.ends[kept]

    def _shifts(self) -> "list[Rise]":
        nights, ends = self.state.nights, self.state.ends
        spread = self._spread()
        shifts = []
        for new in range(LEAST_NEW, min(MOST_NEW, len(nights) - LEAST_OLD) + 1):
            before, newest = nights[-new - MOST_OLD : -new], nights[-new:]
            base = statistics.median(before)
            rises = (statistics.fmean(newest) - base, statistics.median(newest) - base)
            rise = min(rises, key=abs)  # one night does not make a shift of many
            if rises[0] * rises[1] > 0 and all((night - base) / rise > HALF for night in nights[-LEAST_NEW:]):
                error = spread * math.sqrt(1 / new + MEDIAN_VARIANCE / len(before))
                shifts.append(Rise(base, rise, error, new, since=ends[-new - 1], first=ends[-new]))
        return shifts

    def _spread(self) -> float:
        changes = self.state.changes
        newest = night_spread(changes) if len(changes) >= MOST_OLD else 0.0
        return max(ARCHIVE_SHARE * self.use.change_m3h, newest, LEAST_SHARE * self.mean_m3h)
