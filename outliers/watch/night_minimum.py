"""NIGHT: has the night minimum jumped or crept up?

The minimum of the night is closest to leakage, because people sleep. A night is measured against its
`night_reference`.
"""

import statistics
from dataclasses import dataclass

import msgspec

from common.night import WINDOW_MINUTES, lowest_hour
from common.state_file import Count, Minute
from outliers.criteria import NightUse
from outliers.night_reference import night_reference
from outliers.rules import (
    CREEP_CUT,
    CREEP_DRIFT,
    MAD_TO_SD,
    NIGHTS_HELD_BACK,
    NIGHTS_KEPT,
)

LONGEST_CHANGE_MIN = 120  # of a clock
RECENT_WEIGHT = 0.85  # of the spread of the last nights: in weeks that vary more, a larger rise is needed


@dataclass(frozen=True, slots=True)
class NightResult:
    """A night's minimum hour and its result, m3/h. `end`: the UTC minute of its last row; `shown_m3h` has the leaks in
    it that are known."""

    end: int
    shown_m3h: float
    flow_m3h: float
    reference_m3h: float
    score: float
    creep: float
    nights_up: int


class NightWindow(msgspec.Struct, array_like=True, gc=False):
    """Ten minutes of the current night: their number since 1970, sum of the flow (m3/h), good rows."""

    number: Count
    flow: float = 0.0
    rows: Count = 0


class NightState(msgspec.Struct):
    """The state of `NightMinimum`.

    Attributes:
        hours: the report's hours that the nights were measured in.
        nights: minima of the newest nights, oldest first, m3/h.
        ends: the UTC minute at which each of the newest of them ended; those of the archive have none.
        creep: the CUSUM.
        up: nights in a row with the CUSUM above 0.
        windows: of the current night.
        unusual: the current night has had an outage, or tanks that fill: the rest of it has no minimum.
    """

    hours: tuple[int, int]
    nights: list[float]
    creep: float = 0.0
    up: Count = 0
    windows: list[NightWindow] = []
    unusual: bool = False
    ends: list[Minute] = []


class NightMinimum:
    """One sensor's nights."""

    def __init__(self, use: NightUse, state: NightState | None = None) -> None:
        self.use, self.hours = use, use.hours
        if state is None or state.hours != self.hours:  # nights of other hours are no reference
            state = NightState(self.hours, list(use.recent_m3h)[-NIGHTS_KEPT - NIGHTS_HELD_BACK :])
        self.state = state

    def on_row(self, minute: int, minute_of_day: int, flow: float) -> None:
        """Process a good row: its UTC minute, and that of the local day."""
        if self.hours.offset(minute_of_day) >= self.hours.minutes:
            return
        windows, number = self.state.windows, (minute - 1) // WINDOW_MINUTES
        if not windows or windows[-1].number != number:
            if windows and (number - windows[0].number) * WINDOW_MINUTES > self.hours.minutes + LONGEST_CHANGE_MIN:
                windows.clear()  # of a night whose end was never seen
            windows.append(NightWindow(number))
        windows[-1].flow += flow
        windows[-1].rows += 1

    def on_night_end(self, known_m3h: float) -> NightResult | None:
        """The night is over. `known_m3h` = flow of a leak that is known: nights are kept without it."""
        state = self.state
        lowest = lowest_hour({window.number: (window.flow, window.rows) for window in state.windows})
        unusual, windows = state.unusual, state.windows
        state.unusual, state.windows = False, []
        if lowest is None or unusual:
            return None
        end = (windows[-1].number + 1) * WINDOW_MINUTES
        flow = lowest.flow_m3h - known_m3h
        result = None
        middle = night_reference(state.nights)
        if middle is not None and self.use.spread_m3h > 0:
            away = statistics.median(abs(night - middle) for night in state.nights[:-NIGHTS_HELD_BACK])
            score = (flow - middle) / max(self.use.spread_m3h, RECENT_WEIGHT * MAD_TO_SD * away)
            state.creep = max(0.0, state.creep + max(-CREEP_CUT, min(CREEP_CUT, score)) - CREEP_DRIFT)
            state.up = state.up + 1 if state.creep > 0 else 0
            result = NightResult(end, lowest.flow_m3h, flow, middle, score, state.creep, state.up)
        state.nights = [*state.nights, flow][-NIGHTS_KEPT - NIGHTS_HELD_BACK :]
        state.ends = [*state.ends, end][-len(state.nights) :]
        return result

    def rebase(self, size_m3h: float, since: int, nights: int) -> None:
        """A leak is known: remove it from the nights since UTC minute `since` and restart the CUSUM. `nights`: how many
        there are if none is missing."""
        state = self.state
        state.creep, state.up = 0.0, 0
        after = sum(end > since for end in state.ends)
        if after < len(state.ends):
            nights = min(nights, after)
        kept = len(state.nights) - min(nights, len(state.nights))
        state.nights = state.nights[:kept] + [flow - size_m3h for flow in state.nights[kept:]]
