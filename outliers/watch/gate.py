"""SYSTEM: is the instrument to be believed? Missing, out of range, stuck, spike. One `Gate` a channel.

What a gate rejects never reaches the other methods. A raise waits for enough rows to be sure, a clear for enough
good ones, so that a flapping value is one finding.
"""

import math
from typing import Any

from outliers.criteria import ChannelLimits
from outliers.rules import SPIKE_BACK_ROWS as BACK_ROWS
from outliers.rules import SPIKE_HOLD_ROWS as HOLD_ROWS
from outliers.rules import SPIKE_LEAST_LEVEL as LEAST_LEVEL
from outliers.rules import SPIKE_REFERENCE_ROWS as REFERENCE_ROWS

OK = "0"
MISSING_ROWS = 8  # gaps of one to three minutes happen about twice a day on healthy lines, at times two in a row
CLEAR_ROWS = 5  # good rows in a row that end a fault

Event = tuple[str, bool, int, str, float, float]  # letter, raised?, since, reason, value, limit


class Gate:
    """Judges one channel's values, one minute at a time."""

    def __init__(self, name: str, unit: str, limits: ChannelLimits, state: dict[str, Any] | None = None) -> None:
        self.name, self.unit, self.limits = name, unit, limits
        self.low, self.high, self.stuck_rows = limits.low, limits.high, limits.stuck_rows
        self.jump = limits.jump
        self.near = limits.jump / 8  # a step this small is no spike whatever the median: most rows end here
        self.events: list[Event] = []  # of this minute; the detector empties it
        state = state or {}
        self.up: dict[str, int] = dict(state.get("up", {}))  # letter -> good rows since it was last seen
        self.missing: int = state.get("missing", 0)
        self.run: int = state.get("run", 0)
        self.last: float | None = state.get("last")
        self.recent: list[float] = list(state.get("recent", []))
        self.held: list[float] = list(state.get("held", []))
        self.back: list[float] = list(state.get("back", []))  # good rows since the held ones
        self.middle: float = state.get("middle", 0.0)  # before the held ones

    def state(self) -> dict[str, Any]:
        return {
            "up": dict(self.up),
            "missing": self.missing,
            "run": self.run,
            "last": self.last,
            "recent": list(self.recent),
            "held": list(self.held),
            "back": list(self.back),
            "middle": self.middle,
        }

    def step(self, minute: int, value: float | None) -> str:
        """The letter of this minute, `0` if the value is believed."""
        if value is None:
            return self._missing(minute, 1)
        self.missing = 0
        if value == self.last:
            self.run += 1
        else:
            self.last, self.run = value, 1
        if not self.low <= value <= self.high:
            return self._out_of_range(minute, value)
        if self.run >= self.stuck_rows:
            return self._stuck(minute, value)
        if self.jump and self._spikes(minute, value):
            return "K"
        if self.up:
            return self._calm(minute)
        return OK

    def gap(self, minute: int, rows: int) -> None:
        """`rows` minutes before `minute` never came at all."""
        self._missing(minute - 1, rows)

    def _missing(self, minute: int, rows: int) -> str:
        self.missing += rows
        self.run = 0
        self.held.clear()
        self.back.clear()
        if self.missing >= MISSING_ROWS:
            self.recent.clear()
            since = minute - self.missing + 1
            self._raise("M", since, f"no {self.name} value for {self.missing} min", self.missing, MISSING_ROWS)
        return "M"

    def _out_of_range(self, minute: int, value: float) -> str:
        limit = self.high if value > self.high else self.low
        side = "above" if value > self.high else "below"
        reason = f"{self.name} {value:.4g} {self.unit} is {side} the sensor limit {limit:.4g}"
        self._raise("R", minute, reason, value, limit)
        return "R"

    def _stuck(self, minute: int, value: float) -> str:
        reason = f"{self.name} {value:.4g} {self.unit} unchanged for {self.run} min, limit {self.stuck_rows}"
        self._raise("S", minute - self.run + 1, reason, self.run, self.stuck_rows)
        self.recent = [value]
        return "S"

    def _spikes(self, minute: int, value: float) -> bool:
        """Hold a value that is far from the median of the last five; a fourth in a row is a real step."""
        recent, held = self.recent, self.held
        if not held and recent and -self.near < value - recent[-1] < self.near:
            self._keep(value)
            return False
        middle = sorted(recent)[len(recent) // 2] if len(recent) >= REFERENCE_ROWS else value
        if abs(value - middle) > self._limit(middle):
            if self.back:  # away again: the flow is on the move
                held.clear()
                self.back.clear()
            if len(held) < HOLD_ROWS:
                self.middle = middle
                held.append(value)
                return True
            self.recent = [*held, value]
            held.clear()
            return False
        if held:
            self.back.append(value)
            if len(self.back) == BACK_ROWS:
                self._judge_spike(minute)
        self._keep(value)
        return False

    def _judge_spike(self, minute: int) -> None:
        """Rows were held, and enough have come since: were those as far from what followed as from what was before?"""
        held, before, after = self.held, self.middle, sorted(self.back)[BACK_ROWS // 2]
        limit = self._limit(before)
        low, high = min(before, after), max(before, after)
        if min(held) - high > limit or low - max(held) > limit:
            worst = max(held, key=lambda one: abs(one - before))
            reason = (
                f"{self.name} {worst:.4g} {self.unit} for {len(held)} min between {before:.4g} and {after:.4g}, "
                f"limit {limit:.3g} apart"
            )
            self.events.append(("K", True, minute - len(held) - BACK_ROWS + 1, reason, worst, limit))
            self.events.append(("K", False, minute, f"{self.name} is back at {after:.4g} {self.unit}", after, limit))
        held.clear()
        self.back.clear()

    def _limit(self, middle: float) -> float:
        typical = self.limits.typical
        if not typical:
            return self.jump
        return self.jump * math.sqrt(max(middle / typical, LEAST_LEVEL))

    def _keep(self, value: float) -> None:
        recent = self.recent
        recent.append(value)
        if len(recent) > REFERENCE_ROWS:
            del recent[0]

    def _raise(self, letter: str, since: int, reason: str, value: float, limit: float) -> None:
        if letter not in self.up:
            self.events.append((letter, True, since, reason, value, limit))
        self.up[letter] = 0

    def _calm(self, minute: int) -> str:
        for letter in list(self.up):
            self.up[letter] += 1
            if self.up[letter] >= CLEAR_ROWS:
                del self.up[letter]
                reason = f"{self.name} has been good for {CLEAR_ROWS} min"
                self.events.append((letter, False, minute, reason, 0.0, 0.0))
        return OK
