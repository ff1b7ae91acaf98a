"""A detector's stored state, with its version; and the part that stays valid with new criteria."""

import msgspec
from msgspec.structs import replace

from common.state_file import Count, Minute
from outliers.criteria import Criteria
from outliers.outage import Outage
from outliers.rules import LEVEL_DAYS
from outliers.watch.active import ActiveFindings
from outliers.watch.expectation_state import ExpectationState
from outliers.watch.flow_state import FlowState
from outliers.watch.gate import GateState
from outliers.watch.logger_watch import LoggerState
from outliers.watch.meter_scale_watch import QuarterSums


class DetectorState(msgspec.Struct):
    """The state of one sensor. `criteria` is the version that `flow` was compared with; `active` has its older name in
    the file."""

    criteria: Count = 0
    minute: Minute | None = None
    flow_gate: GateState = msgspec.field(default_factory=GateState)
    pressure_gate: GateState = msgspec.field(default_factory=GateState)
    outage: Outage = msgspec.field(default_factory=Outage)
    active: ActiveFindings = msgspec.field(default_factory=ActiveFindings, name="incident")
    flow: FlowState = msgspec.field(default_factory=FlowState)
    logger: LoggerState | None = None


def copy_of(state: DetectorState) -> DetectorState:
    """A copy that does not change with later rows."""
    plain = msgspec.to_builtins(state, enc_hook=float)  # new criteria contain numpy floats
    return msgspec.convert(plain, DetectorState, str_keys=True)


def still_valid(state: DetectorState, criteria: Criteria) -> DetectorState:
    """The part of a state that stays valid with other criteria.

    Levels are relative to the profile, so both change together: the old level with a new profile would bias everything
    after. Active findings stay active, and nights are in m3/h anyway. A flow that people have accepted long enough ago
    is in the new profile and in the archive's nights, so it is no longer known apart. What a logger's pressure was
    compared with is gone, too.
    """
    if state.criteria == criteria.version:
        return state
    old, new = state.flow, FlowState(night=state.flow.night)
    if old.expectation is not None:
        kept, leak = old.expectation, state.active.known
        size, by_flicker, accepted = (leak.size, leak.by_flicker, 0) if leak is not None else (0.0, 0.0, 0)
        if (state.minute or 0) - kept.accepted < LEVEL_DAYS * 1440:
            size, by_flicker, accepted = kept.leak_size, kept.by_flicker, kept.accepted
        elif kept.accepted:
            new.night = None
        new.expectation = ExpectationState(leak_size=size, by_flicker=by_flicker, accepted=accepted)
    if old.scale is not None:  # also in m3/h, except for the current quarter
        new.scale = replace(old.scale, sums=QuarterSums())
    if old.flicker is not None:
        new.flicker = replace(old.flicker, cap=0.0)
    return replace(state, flow=new, logger=None)
