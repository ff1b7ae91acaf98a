"""PREDICT: did the flow step up against the forecast minutes ago, and has it stayed up?

The residual is the flow minus its forecast: the forecast of the current hour if there is one, otherwise the profile
times the level of the last hours. A step is the mean of the last rows minus the part expected from the rows before. It
is computed over windows of 5 to 35 minutes, because a small step needs more rows than a large one, and compared with
limits in spreads of this hour of the week. From a step on, expectation and level are frozen. The step is a WATCH if it
would be a LEAK if it lasted, and a LEAK if the residual is still up after an hour: flushing and other planned use is
over by then.
"""

import math
from dataclasses import dataclass

import msgspec

from common.state_file import Count, Minute
from outliers.criteria import FlowUse
from outliers.findings import End
from outliers.flicker import SteadyFlow, agrees, together
from outliers.rules import (
    STEP_BASE_BLOCKS,
    STEP_BLOCK_ROWS,
    STEP_CARRY,
    STEP_FAST_ROWS,
    STEP_LASTING_MIN,
    STEP_LASTING_ROWS,
    STEP_LEAST_RATIO,
    STEP_WATCH_MIN,
    STEP_WINDOWS,
    exponential_weight,
)
from outliers.watch.active import Leak
from outliers.watch.evidence import STEP, Change, Evidence, LeakEnd, LeakEvidence
from outliers.watch.flicker_watch import steady_numbers

FAST = exponential_weight(STEP_FAST_ROWS)
KEPT_BLOCKS = STEP_WINDOWS[-1] + STEP_BASE_BLOCKS
REACTION_MIN = 3  # the step began about this long before the fast mean exceeded the limit
CLEAR_AFTER_MIN = 20  # below half the limit for this long = over
GIVE_UP_MIN = 150  # not over, but too small for a LEAK: from then on VALUE handles it
AWAY_MIN = 30  # without a row
BACK_SHARE = 0.5  # of a limit: below this a step counts as gone
DROP_SHARE = 0.75  # of a LEAK's size: its end; ordinary falls of the use reach half of it
LARGE = 1.5  # times a LEAK's limit: a step that scores as much by itself is not bound by the flicker, if that agrees
UNSURE = 1.5  # times a LEAK's limit on a day that counts as a Sunday: a burst can make it look like one


class StepState(msgspec.Struct):
    """The state of `StepWatch`.

    Attributes:
        fast: running mean of the residual.
        blocks: means of `STEP_BLOCK_ROWS` rows, oldest first.
        block, block_rows: sum and rows of the current block.
        base: the residual without a step: for the fast mean while no step is active, then for the step.
        since: start of the active step.
        lasting, lasting_rows: mean of the step's last rows.
        passed: the limit that the step exceeded.
        quiet_rows: rows in a row below half of it.
        stretch: factor on the limits while the use varies more than learnt.
        last: minute of the last row.
        gap, after_gap: minutes without a row between the base and now, and blocks since then.
        anew: what was before says nothing about the next row.
    """

    fast: float = 0.0
    blocks: list[float] = []
    block: float = 0.0
    block_rows: Count = 0
    base: float = 0.0
    since: Minute | None = None
    lasting: float = 0.0
    lasting_rows: Count = 0
    passed: float = 0.0
    quiet_rows: Count = 0
    stretch: float = 1.0
    last: Minute | None = None
    gap: Count = 0
    after_gap: Count = 0
    anew: bool = False


@dataclass(frozen=True, slots=True)
class StepProof:
    """The score of a step as share of a LEAK's limit, and the LEAK that it is from 1 on, once it has lasted."""

    share: float
    leak: LeakEvidence


class StepWatch:
    """Tracks the residual of one sensor's flow (m3/h), one good row at a time."""

    def __init__(self, use: FlowUse, state: StepState | None = None) -> None:
        self.use = use
        self.state = state or StepState()
        self.watch_limit = self.lasting_spread = 0.0
        self.window_limits = [0.0] * len(STEP_WINDOWS)

    def set_limits(self, slot: int, ratio: float) -> None:
        """Set the limits for an hour of the week at a level: the variation scales with the flow."""
        scale = max(STEP_LEAST_RATIO, ratio) * self.state.stretch
        spread = self.use.step_spread_m3h[slot] * scale
        self.watch_limit, *self.window_limits = [limit * spread for limit in self.use.step_watch]
        self.lasting_spread = self.use.lasting_spread_m3h[slot] * scale

    @property
    def rise(self) -> float:
        """Height of the active step, m3/h."""
        return self.state.lasting - self.state.base

    def on_row(self, minute: int, residual: float) -> Change:
        """BEGAN = a step began, LASTED = it is still up, ENDED = it is over."""
        state = self.state
        if state.anew:
            self._begin_anew(residual)
        elif state.last is not None and minute - state.last > AWAY_MIN:
            state.gap, state.after_gap = state.gap + minute - state.last, 0
            if state.fast < -self.watch_limit:
                self._begin_anew(residual)
        state.last = minute
        fast = state.fast = state.fast + FAST * (residual - state.fast)
        if state.since is not None:
            return self._lasting(minute, residual)
        if fast - state.base > self.watch_limit and len(state.blocks) == KEPT_BLOCKS:
            return self._begins(minute - REACTION_MIN, fast, state.base, self.watch_limit)
        state.block += residual
        state.block_rows += 1
        if state.block_rows == STEP_BLOCK_ROWS:
            return self._new_block(minute)
        return Change.NONE

    def leave(self) -> Change:
        """The flow is no use now; it begins anew with the next row. ENDED = a step was up."""
        state = self.state
        change = Change.NONE if state.since is None else Change.ENDED
        state.since, state.anew = None, True
        return change

    def _begin_anew(self, residual: float) -> None:
        """The flow ran out before the gap: that it is back is no step, and what it was then is no base."""
        state = self.state
        state.gap, state.anew = 0, False
        state.since, state.fast, state.base = None, residual, residual
        state.blocks, state.block, state.block_rows = [], 0.0, 0

    def _new_block(self, minute: int) -> Change:
        state, blocks = self.state, self.state.blocks
        blocks.append(state.block / STEP_BLOCK_ROWS)
        state.block, state.block_rows = 0.0, 0
        if len(blocks) > KEPT_BLOCKS:
            del blocks[0]
        state.after_gap += 1
        if state.after_gap > STEP_BASE_BLOCKS:
            state.gap = 0
        before = blocks[-1 - STEP_BASE_BLOCKS : -1] or blocks
        state.base = STEP_CARRY * sum(before) / len(before)
        if len(blocks) < KEPT_BLOCKS:
            return Change.NONE
        for window, limit in zip(STEP_WINDOWS, self.window_limits, strict=True):
            recent = sum(blocks[-window:]) / window
            base = STEP_CARRY * sum(blocks[-window - STEP_BASE_BLOCKS : -window]) / STEP_BASE_BLOCKS
            if recent - base > limit:
                return self._begins(minute - (window - 1) * STEP_BLOCK_ROWS, recent, base, limit)
        return Change.NONE

    def _begins(self, since: int, mean: float, base: float, limit: float) -> Change:
        state = self.state
        state.since, state.base, state.passed = since, base, limit
        state.lasting, state.lasting_rows = mean, STEP_BLOCK_ROWS
        state.quiet_rows = 0
        return Change.BEGAN

    def _lasting(self, minute: int, residual: float) -> Change:
        state = self.state
        since = state.since or minute
        state.lasting_rows = min(state.lasting_rows + 1, STEP_LASTING_ROWS)
        state.lasting += (residual - state.lasting) / state.lasting_rows
        above = state.fast - state.base
        state.quiet_rows = state.quiet_rows + 1 if above < BACK_SHARE * state.passed else 0
        if state.quiet_rows >= CLEAR_AFTER_MIN or minute - since >= GIVE_UP_MIN:
            self.rebase(0.0)
            return Change.ENDED
        return Change.LASTED if above > BACK_SHARE * self.rise > 0.0 else Change.NONE

    def lasts(self, minute: int) -> bool:
        """Whether a step has lasted longer than flushing takes."""
        return self.state.since is not None and minute - self.state.since >= STEP_LASTING_MIN

    def error(self, minute: int) -> float:
        """Error of the active step, m3/h: it grows because the expectation before the step becomes outdated."""
        return self.lasting_spread * math.sqrt(max(1.0, (minute - (self.state.since or minute)) / STEP_LASTING_MIN))

    def rebase(self, rise_m3h: float) -> None:
        """The step is explained: expect `rise_m3h` more from now on."""
        state = self.state
        level = (state.lasting if state.since is not None else state.fast) - rise_m3h
        state.since = None
        state.quiet_rows = state.gap = 0
        state.fast = level
        state.base = STEP_CARRY * level
        state.blocks = [level] * KEPT_BLOCKS
        state.block, state.block_rows = 0.0, 0

    def watch(self, minute: int, proof: StepProof) -> Evidence | None:
        """The step as a WATCH: it would be a LEAK if it lasted. Small ones are often over in a quarter of an hour."""
        if proof.share < (LARGE if minute - (self.state.since or minute) < STEP_WATCH_MIN else 1.0):
            return None
        numbers = {"rise_m3h": self.rise, "limit_m3h": self.state.passed}
        return Evidence(STEP, Change.BEGAN, minute, self.state.since or minute, numbers)

    def proof(
        self, minute: int, *, explained_m3h: float, steady: SteadyFlow | None, as_sunday: bool, strictness: float
    ) -> StepProof:
        """How much of a LEAK the step is so far.

        Args:
            explained_m3h: the part of the step that another kind of day would explain.
            steady: the extra steady flow by the flicker.
            as_sunday: the day counts as a Sunday, although it is none.
            strictness: times the limit.
        """
        since, rise, mean = self.state.since or minute, self.rise, self.use.mean_m3h
        limit = self.use.step_leak * (UNSURE if as_sunday else 1.0) * strictness
        over = SteadyFlow((rise - explained_m3h) / mean, self.error(minute) / mean)
        size, error, score = together(over, steady)
        large = over.size > LARGE * limit * over.error and agrees(steady, over.size)
        numbers = {
            "rise_m3h": rise,
            "share": rise / mean,
            "minutes": minute - since,
            "limit_m3h": limit * error * mean,
            **steady_numbers(steady, mean),
        }
        leak = LeakEvidence(Leak("PREDICT", minute, since, size, size), numbers)
        return StepProof(max(score / limit, float(large)), leak)

    def dropped(self) -> bool:
        """Whether the flow has stepped down by more than it does without a reason."""
        return self.state.base - self.state.fast > self._fall_limit()

    def _fall_limit(self) -> float:
        """The use goes on changing while no row comes, as under a step that lasts."""
        return self.watch_limit * math.sqrt(1.0 + self.state.gap / STEP_LASTING_MIN)

    def drop(self, minute: int, leak: float) -> LeakEnd | None:
        """Whether the flow, which has `dropped`, fell by nearly all of a leak of this size, share of the mean.

        The flow falls by less without a reason, so the end of a smaller leak is left to VALUE.
        """
        size, fall = leak * self.use.mean_m3h, self.state.base - self.state.fast
        if size <= self._fall_limit() or fall <= DROP_SHARE * size:
            return None
        return LeakEnd(minute // 60, End.FELL, {"fall_m3h": fall}, size=leak)
