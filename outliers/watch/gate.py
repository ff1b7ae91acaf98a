"""SYSTEM: can the value be trusted? Missing, out of range, stuck, spike. One `Gate` per channel.

Values that a gate rejects never reach the other methods. A raise waits for enough bad rows and a clear for enough good
rows, so a flapping value is one finding.
"""

import math
from typing import Literal

import msgspec

from common.state_file import Count
from outliers.criteria import ChannelLimits
from outliers.findings import End
from outliers.rules import SPIKE_BACK_ROWS, SPIKE_HOLD_ROWS, SPIKE_LEAST_LEVEL, SPIKE_REFERENCE_ROWS
from outliers.watch.evidence import GATES, Change, Evidence, ended

OK = "0"
MISSING_ROWS = 8  # healthy lines have gaps of one to three minutes about twice a day, sometimes two in a row
CLEAR_ROWS = 5  # good rows in a row that end a fault

Letter = Literal["M", "R", "S"]  # faults that last; a spike (K) is over when it is detected


class GateState(msgspec.Struct):
    """The state of a gate.

    Attributes:
        up: letter of an active fault -> good rows since it was last seen.
        missing: missing rows in a row.
        run: equal values in a row.
        last: the newest value.
        recent: newest good values, oldest first.
        held: possible spike values.
        back: good values since the held ones.
        middle: median before the held ones.
    """

    up: dict[Letter, Count] = {}
    missing: Count = 0
    run: Count = 0
    last: float | None = None
    recent: list[float] = []
    held: list[float] = []
    back: list[float] = []
    middle: float = 0.0


class Gate:
    """Checks one channel's values, one minute at a time."""

    def __init__(self, name: str, limits: ChannelLimits, state: GateState | None = None) -> None:
        self.name, self.limits = name, limits
        self.state = state or GateState()
        self._low, self._high, self._stuck_rows, self._jump = limits.low, limits.high, limits.stuck_rows, limits.jump
        self._near = limits.jump / 8  # a step this small is never a spike: most rows end here
        self.seen: list[Evidence] = []  # began or ended, not taken yet

    def take(self) -> list[Evidence]:
        """The evidence since the last call."""
        seen, self.seen = self.seen, []
        return seen

    def on_row(self, minute: int, value: float | None) -> str:
        """The letter of this minute, `0` if the value is trusted."""
        if value is None:
            return self._missing(minute, 1, minute)
        state = self.state
        if state.missing:
            state.missing = 0
        if value == state.last:
            state.run += 1
        else:
            state.last, state.run = value, 1
        if not self._low <= value <= self._high:
            return self._out_of_range(minute, value)
        if state.run >= self._stuck_rows:
            return self._stuck(minute, value)
        if self._jump and self._spikes(minute, value):
            return "K"
        if state.up:
            self._clear(minute)
        return OK

    @property
    def measures(self) -> bool:
        """Whether the channel has ever had a value."""
        return self.state.last is not None

    def on_nothing(self, minute: int) -> str:
        """The letter of a minute without a value of a channel that the meter does not have: no fault of it."""
        for letter in self.state.up:  # of an earlier version, which took it for missing
            self.seen.append(ended(GATES[self.name, letter], minute, End.NEVER))
        self.state.up.clear()
        return "M"

    def on_gap(self, minute: int, rows: int) -> None:
        """`rows` minutes before `minute` are missing."""
        self._missing(minute, rows, minute - 1)

    def _missing(self, minute: int, rows: int, newest: int) -> str:
        """`newest` is the last of `rows` missing minutes; `minute` is now."""
        state = self.state
        state.missing += rows
        state.run = 0
        state.held.clear()
        state.back.clear()
        if state.missing >= MISSING_ROWS:
            state.recent.clear()
            self._raise("M", minute, newest - state.missing + 1, minutes=state.missing)
        return "M"

    def _out_of_range(self, minute: int, value: float) -> str:
        self._raise("R", minute, minute, value=value, limit=self._high if value > self._high else self._low)
        return "R"

    def _stuck(self, minute: int, value: float) -> str:
        run = self.state.run
        self._raise("S", minute, minute - run + 1, value=value, minutes=run, limit_minutes=self._stuck_rows)
        self.state.recent = [value]
        return "S"

    def _spikes(self, minute: int, value: float) -> bool:
        """Hold a value that is far from the median of the last five; a fourth in a row is a real step."""
        state = self.state
        recent, held = state.recent, state.held
        if not held and recent and -self._near < value - recent[-1] < self._near:
            _keep(recent, value)
            return False
        middle = sorted(recent)[len(recent) // 2] if len(recent) >= SPIKE_REFERENCE_ROWS else value
        if abs(value - middle) > self._limit(middle):
            if state.back:  # away again: the flow is changing
                held.clear()
                state.back.clear()
            if len(held) < SPIKE_HOLD_ROWS:
                state.middle = middle
                held.append(value)
                return True
            state.recent = [*held, value]
            held.clear()
            return False
        if held:
            state.back.append(value)
            if len(state.back) == SPIKE_BACK_ROWS:
                self._judge_spike(minute)
        _keep(recent, value)
        return False

    def _judge_spike(self, minute: int) -> None:
        """Decide about held rows after enough later ones: a spike is as far from the rows after it as from those
        before."""
        state = self.state
        held, before, after = state.held, state.middle, sorted(state.back)[SPIKE_BACK_ROWS // 2]
        limit = self._limit(before)
        low, high = min(before, after), max(before, after)
        if min(held) - high > limit or low - max(held) > limit:
            worst = max(held, key=lambda one: abs(one - before))
            rule, since = GATES[self.name, "K"], minute - len(held) - SPIKE_BACK_ROWS + 1
            numbers = {"value": worst, "minutes": len(held), "before": before, "after": after, "limit": limit}
            self.seen.append(Evidence(rule, Change.BEGAN, minute, since, numbers))
            self.seen.append(ended(rule, minute, End.BACK))
        held.clear()
        state.back.clear()

    def _limit(self, middle: float) -> float:
        typical = self.limits.typical
        if not typical:
            return self._jump
        return self._jump * math.sqrt(max(middle / typical, SPIKE_LEAST_LEVEL))

    def _raise(self, letter: Letter, minute: int, since: int, **numbers: float) -> None:
        if letter not in self.state.up:
            self.seen.append(Evidence(GATES[self.name, letter], Change.BEGAN, minute, since, numbers))
        self.state.up[letter] = 0

    def _clear(self, minute: int) -> None:
        """A good row during an active fault."""
        up = self.state.up
        for letter in list(up):
            up[letter] += 1
            if up[letter] >= CLEAR_ROWS:
                del up[letter]
                self.seen.append(ended(GATES[self.name, letter], minute, End.GOOD))


def _keep(recent: list[float], value: float) -> None:
    recent.append(value)
    if len(recent) > SPIKE_REFERENCE_ROWS:
        del recent[0]
