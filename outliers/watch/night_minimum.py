"""NIGHT: has the night minimum jumped or crept up?

The minimum rolling hour of the night is closest to leakage, because people sleep. A night is compared with the median
of up to 24 earlier ones, excluding the last three, so a leak does not become its own reference.
"""

from dataclasses import dataclass

import msgspec

from common.state_file import Count
from outliers.criteria import NightUse
from outliers.rules import (
    CREEP_CUT,
    CREEP_DRIFT,
    LEAST_NIGHTS,
    MAD_TO_SD,
    NIGHT_BLOCK_MIN,
    NIGHT_BLOCKS,
    NIGHT_HOUR_ROWS,
    NIGHTS_HELD_BACK,
    NIGHTS_KEPT,
)

RECENT_WEIGHT = 0.85  # of the spread of the last nights: in weeks that vary more, a larger rise is needed


@dataclass(frozen=True, slots=True)
class NightResult:
    """A night's minimum hour and its result, m3/h."""

    flow_m3h: float
    reference_m3h: float
    score: float
    creep: float
    nights_up: int


class NightBlock(msgspec.Struct, array_like=True, gc=False):
    """Ten minutes of the current night: index in the day, sum of the flow, good rows."""

    number: Count
    flow: float = 0.0
    rows: Count = 0


class NightState(msgspec.Struct):
    """The state of `NightMinimum`.

    Attributes:
        nights: minimum hours of the newest nights, oldest first, m3/h.
        creep: the CUSUM.
        up: nights in a row with the CUSUM above 0.
        blocks: those of the last hour of the current night.
        lowest: its lowest hour so far.
    """

    nights: list[float]
    creep: float = 0.0
    up: Count = 0
    blocks: list[NightBlock] = []
    lowest: float | None = None


class NightMinimum:
    """One sensor's nights."""

    def __init__(self, use: NightUse, state: NightState | None = None) -> None:
        self.use = use
        self.state = state or NightState(list(use.recent_m3h)[-NIGHTS_KEPT - NIGHTS_HELD_BACK :])

    def on_row(self, minute_of_day: int, flow: float) -> None:
        """Process a good row inside the night window."""
        blocks, number = self.state.blocks, minute_of_day // NIGHT_BLOCK_MIN
        if not blocks or blocks[-1].number != number:
            self._roll()
            blocks = self.state.blocks
            blocks.append(NightBlock(number))
        newest = blocks[-1]
        newest.flow += flow
        newest.rows += 1

    def _roll(self) -> None:
        """A block is complete: check the hour that ends with it."""
        state = self.state
        if state.blocks:
            first = state.blocks[-1].number - NIGHT_BLOCKS + 1
            state.blocks = [block for block in state.blocks if block.number >= first]
            rows = sum(block.rows for block in state.blocks)
            if rows >= NIGHT_HOUR_ROWS:
                mean = sum(block.flow for block in state.blocks) / rows
                if state.lowest is None or mean < state.lowest:
                    state.lowest = mean

    def on_night_end(self, known_m3h: float) -> NightResult | None:
        """End of the night. `known_m3h` = flow of a known leak: nights are stored without it."""
        self._roll()
        state = self.state
        state.blocks = []
        lowest, state.lowest = state.lowest, None
        if lowest is None:
            return None
        flow = lowest - known_m3h
        result = None
        reference = sorted(state.nights[:-NIGHTS_HELD_BACK])
        if len(reference) >= LEAST_NIGHTS and self.use.spread_m3h > 0:
            middle = reference[len(reference) // 2]
            away = sorted(abs(night - middle) for night in reference)
            score = (flow - middle) / max(self.use.spread_m3h, RECENT_WEIGHT * MAD_TO_SD * away[len(away) // 2])
            state.creep = max(0.0, state.creep + max(-CREEP_CUT, min(CREEP_CUT, score)) - CREEP_DRIFT)
            state.up = state.up + 1 if state.creep > 0 else 0
            result = NightResult(flow, middle, score, state.creep, state.up)
        state.nights = [*state.nights, flow][-NIGHTS_KEPT - NIGHTS_HELD_BACK :]
        return result

    def rebase(self, size_m3h: float, nights: int) -> None:
        """A leak is known: remove it from the last `nights` nights and restart the CUSUM."""
        state = self.state
        state.creep, state.up = 0.0, 0
        kept = len(state.nights) - min(nights, len(state.nights))
        state.nights = state.nights[:kept] + [flow - size_m3h for flow in state.nights[kept:]]
