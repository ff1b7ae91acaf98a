"""NIGHT: has the night minimum jumped, or been creeping up?

The minimum rolling hour of the night is closest to leakage, since people sleep. A night is measured against the
median of up to 24 earlier ones; the last three are held back, so that a leak does not become its own reference.
"""

from dataclasses import dataclass
from typing import Any

from outliers.criteria import NightUse
from outliers.rules import CREEP_CUT as CUT
from outliers.rules import CREEP_DRIFT as DRIFT
from outliers.rules import LEAST_NIGHTS, MAD_TO_SD
from outliers.rules import NIGHT_BLOCK_MIN as BLOCK_MIN
from outliers.rules import NIGHT_BLOCKS as BLOCKS
from outliers.rules import NIGHT_HOUR_ROWS as LEAST_ROWS
from outliers.rules import NIGHTS_HELD_BACK as HELD_BACK
from outliers.rules import NIGHTS_KEPT as KEPT

RECENT_WEIGHT = 0.85  # of the spread that the last nights had themselves: in wild weeks more is needed


@dataclass(frozen=True, slots=True)
class NightResult:
    """A night's minimum hour and its judgement, m3/h."""

    flow_m3h: float
    usual_m3h: float
    score: float
    creep: float
    nights_up: int


class Night:
    """One sensor's nights."""

    def __init__(self, use: NightUse, state: dict[str, Any] | None = None) -> None:
        self.use = use
        state = state or {}
        self.nights: list[float] = list(state.get("nights", use.recent_m3h))[-KEPT - HELD_BACK :]
        self.creep: float = state.get("creep", 0.0)
        self.up: int = state.get("up", 0)
        self.blocks: list[list[float]] = [list(block) for block in state.get("blocks", [])]
        self.lowest: float | None = state.get("lowest")

    def state(self) -> dict[str, Any]:
        return {
            "nights": list(self.nights),
            "creep": self.creep,
            "up": self.up,
            "blocks": [list(block) for block in self.blocks],
            "lowest": self.lowest,
        }

    def row(self, minute_of_day: int, flow: float) -> None:
        """Take a good row inside the night window."""
        block = minute_of_day // BLOCK_MIN
        if not self.blocks or self.blocks[-1][0] != block:
            self._roll()
            self.blocks.append([block, 0.0, 0])
        newest = self.blocks[-1]
        newest[1] += flow
        newest[2] += 1

    def _roll(self) -> None:
        """A block is complete: look at the hour that ends with it."""
        if self.blocks:
            first = self.blocks[-1][0] - BLOCKS + 1
            self.blocks = [block for block in self.blocks if block[0] >= first]
            rows = sum(block[2] for block in self.blocks)
            if rows >= LEAST_ROWS:
                mean = sum(block[1] for block in self.blocks) / rows
                if self.lowest is None or mean < self.lowest:
                    self.lowest = mean

    def close(self, known_m3h: float) -> NightResult | None:
        """The night is over. `known_m3h` = flow of a leak that is known: nights are kept without it."""
        self._roll()
        self.blocks = []
        lowest, self.lowest = self.lowest, None
        if lowest is None:
            return None
        flow = lowest - known_m3h
        result = None
        reference = sorted(self.nights[:-HELD_BACK])
        if len(reference) >= LEAST_NIGHTS and self.use.spread_m3h > 0:
            usual = reference[len(reference) // 2]
            away = sorted(abs(night - usual) for night in reference)
            score = (flow - usual) / max(self.use.spread_m3h, RECENT_WEIGHT * MAD_TO_SD * away[len(away) // 2])
            self.creep = max(0.0, self.creep + max(-CUT, min(CUT, score)) - DRIFT)
            self.up = self.up + 1 if self.creep > 0 else 0
            result = NightResult(flow, usual, score, self.creep, self.up)
        self.nights = [*self.nights, flow][-KEPT - HELD_BACK :]
        return result

    def settle(self, size_m3h: float, nights: int) -> None:
        """A leak is known: take it out of the last `nights` nights, and start the creep anew."""
        self.creep, self.up = 0.0, 0
        kept = len(self.nights) - min(nights, len(self.nights))
        self.nights = self.nights[:kept] + [flow - size_m3h for flow in self.nights[kept:]]
