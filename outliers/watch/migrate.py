"""Converts the state of older releases (format 4): active findings stay active, and nothing is learnt again."""

from typing import Any

from common import state_file
from common.night import HOURS_0_1
from common.state_file import StateUnusable
from outliers.watch.detector_state import DetectorState

FORMAT = 4
Raw = dict[str, Any]


def from_format_4(raw: Raw) -> DetectorState:
    """Convert a sensor's entry in an old `detectors.json`.

    Raises:
        StateUnusable: another format, or damaged.
    """
    try:
        if raw.get("format") != FORMAT:
            raise StateUnusable(f"a state of format {raw.get('format')!r:.20}, not {FORMAT}")
        plain = _detector(raw)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StateUnusable(f"{type(error).__name__}: {error}") from error
    return state_file.convert(plain, DetectorState)


def _detector(raw: Raw) -> Raw:
    value, steps, supply = raw["value"], raw["steps"], raw["supply"]
    flow = {
        "expectation": _expectation(raw, value) if value else None,
        "hourly": {"proven": value["proven"]} if value else None,
        "steps": {**steps, "quiet_rows": steps["calm"]} if steps else None,
        "night": _night(raw["night"]) if raw["night"] else None,
        "flicker": _flicker(raw["texture"]) if raw["texture"] else None,
        "supply": {**supply, "quiet_rows": supply["calm"]} if supply else None,
        "residuals": raw["witness"],
        "scale": _scale(raw["scale"]) if raw["scale"] else None,
    }
    same = {name: raw[name] for name in ("criteria", "minute", "flow_gate", "pressure_gate")}
    return {**same, "incident": {**raw["incident"], "meter": raw["incident"]["wrong"]}, "flow": flow}


def _expectation(raw: Raw, value: Raw) -> Raw:
    return {
        **{name: value[name] for name in ("as_sunday", "better", "flow_sum", "rows")},
        "profile_sum": value["usual_sum"],
        "leak_size": value["offset"],
        "by_flicker": value["steady"],
        "tracker": _tracker(value["tracker"]),
        "other": _tracker(value["other"]) if value["other"] else None,
        "level": raw["ahead"],
        "ratio": raw["ratio"],
    }


def _night(raw: Raw) -> Raw:
    return {"hours": HOURS_0_1, **{name: raw[name] for name in ("nights", "creep", "up")}}


def _tracker(raw: Raw) -> Raw:
    level, day, short = raw["mean"]
    steady_flow, steady_variance = raw["still"]
    return {
        **{name: raw[name] for name in ("hour", "cov", "surprise", "wild")},
        "level": level,
        "day": day,
        "short": short,
        "steady_flow": steady_flow,
        "steady_variance": steady_variance,
        "starts": dict(raw["starts"]),
    }


def _flicker(raw: Raw) -> Raw:
    quarters = [
        [int(quarter), int(changes), squares, flow, int(bars), bar]
        for quarter, changes, squares, flow, bars, bar in raw["quarters"]
    ]
    return {**raw, "quarters": quarters}


def _scale(raw: Raw) -> Raw:
    rows, *sums = raw["quarter"]
    return {**raw, "sums": [int(rows), *sums]}
