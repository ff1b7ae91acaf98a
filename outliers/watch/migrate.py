"""What of a detector's state stays true."""

from typing import Any

from outliers.criteria import Criteria

STATE_FORMAT = 4  # a state of another form is begun anew: the methods need a day, and the night three weeks


def seated(state: dict[str, Any], criteria: Criteria) -> dict[str, Any]:
    """The part of a state that stays true under other criteria.

    Levels are measured against the profile, so profile and level change together: keeping the old level under a
    new profile would bias every judgement that follows. What is up stays up, and nights are m3/h in any case.
    A state of another form is not used at all.
    """
    if state.get("format") != STATE_FORMAT:
        return {}
    if state["criteria"] == criteria.version:
        return state
    kept = {name: state[name] for name in ("minute", "flow_gate", "pressure_gate", "incident", "night")}
    if state["value"] is not None:
        kept["value"] = {name: state["value"][name] for name in ("offset", "steady")}
    if state.get("scale"):  # in m3/h too, but for the quarter that has begun
        kept["scale"] = {name: state["scale"][name] for name in ("quarters", "blocks", "last")}
    if state.get("texture"):
        kept["texture"] = {**state["texture"], "cap": 0.0}
    return kept
