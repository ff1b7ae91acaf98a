"""What a detector keeps between two lives, with its version; and what of it stays true under other criteria."""

import msgspec
from msgspec.structs import replace

from common.state_file import Count, Minute
from outliers.criteria import Criteria
from outliers.watch.expectation import ExpectationState
from outliers.watch.flow_watch import FlowState
from outliers.watch.gate import GateState
from outliers.watch.incident import Incident
from outliers.watch.meter_scale_watch import QuarterSums


class DetectorState(msgspec.Struct):
    """All of one sensor. `criteria` is the version that `flow` was measured against."""

    criteria: Count = 0
    minute: Minute | None = None
    flow_gate: GateState = msgspec.field(default_factory=GateState)
    pressure_gate: GateState = msgspec.field(default_factory=GateState)
    incident: Incident = msgspec.field(default_factory=Incident)
    flow: FlowState = msgspec.field(default_factory=FlowState)


def copy_of(state: DetectorState) -> DetectorState:
    """One that does not change with the rows to come."""
    plain = msgspec.to_builtins(state, enc_hook=float)  # criteria that were built just now bring numpy's floats
    return msgspec.convert(plain, DetectorState, str_keys=True)


def still_valid(state: DetectorState, criteria: Criteria) -> DetectorState:
    """The part of a state that stays true under other criteria.

    Levels are measured against the profile, so profile and level change together: keeping the old level under a
    new profile would bias every judgement that follows. What is up stays up, and nights are m3/h in any case.
    """
    if state.criteria == criteria.version:
        return state
    old, new = state.flow, FlowState(night=state.flow.night)
    if old.expectation is not None:
        known = old.expectation
        new.expectation = ExpectationState(leak_size=known.leak_size, by_flicker=known.by_flicker)
    if old.scale is not None:  # in m3/h too, but for the quarter that has begun
        new.scale = replace(old.scale, sums=QuarterSums())
    if old.flicker is not None:
        new.flicker = replace(old.flicker, cap=0.0)
    return replace(state, flow=new)
