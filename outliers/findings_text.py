"""A finding in one short English line, from its numbers: for the rows of OUTLIER_TB, tables and charts.

It says what was measured when the finding was raised, and nothing that changes later. A part whose number is not known
is left out.
"""

from outliers.findings import CLEAR, End, Finding, Note
from outliers.flags import PLANNED

LEAK_CODES = ("LEAK", "LEAK-MORE")  # raised by each method, with its numbers
UNITS = {"flow": "m3/h", "pressure": "bar"}
_STEADY = "; by its flicker {steady_m3h:.3g} ± {steady_error_m3h:.2g} m3/h of it is steady, as a leak is"
_SHARE = ", {share:.0%} of the mean flow"
_STEP = ("flow {rise_m3h:.3g} m3/h above its forecast", ", limit {limit_m3h:.3g}")
_HIGH = ("flow {rise_m3h:.3g}", " ± {error_m3h:.2g}", " m3/h above its usual", _SHARE)
_NIGHT = ("night flow {night_m3h:.3g} m3/h", ", usual {usual_m3h:.3g} ± {spread_m3h:.2g}", ", nights up: {nights:.0f}")
_FELL = "; the pressure fell {fell_bar:.2f} bar of {due_bar:.2f} due"
_PARTS = {
    "SYS-MISS": ("no {channel}", " for {minutes:.0f} min"),
    "SYS-RANGE": ("{channel} {value:.4g} {unit} is beyond the sensor's limit", " {limit:.4g}"),
    "SYS-STUCK": ("{channel} {value:.4g} {unit} unchanged", " for {minutes:.0f} min", ", limit {limit_minutes:.0f}"),
    "SYS-SPIKE": (
        "{channel} {value:.4g} {unit} for {minutes:.0f} min",
        " between {before:.4g} and {after:.4g}",
        ", limit {limit:.3g} apart",
    ),
    "SYS-DRIFT": ("pressure {away_bar:+.2f} bar off its usual for a day", ", limit {limit_bar:.2f}"),
    "SYS-METER": ("by the pressure the flow meter reads {scale_share:+.0%}", " ± {error_share:.1%}", _FELL),
    "SUP-STEP": (
        "pressure {away_bar:+.2f} bar against its last half day, not by the flow",
        ", limit {limit_bar:.2f}",
    ),
    "LOG-LOW": (
        "pressure {below_bar:.2f} bar below what inlet and flow explain",
        " for {minutes:.0f} min",
        ", limit {limit_bar:.2f}",
    ),
    "LOG-DRIFT": ("pressure {away_bar:+.2f} bar off what inlet and flow explain, for a day", ", limit {limit_bar:.2f}"),
    "PRE-STEP": _STEP,
    "VAL-HIGH": (*_HIGH, _STEADY),
    "VAL-LOW": (
        "flow {fall_m3h:.3g}",
        " ± {error_m3h:.2g}",
        " m3/h below its usual",
        _SHARE,
        "; by the pressure the meter reads {meter_share:+.0%}",
    ),
    "NGT-JUMP": _NIGHT,
    "NGT-CREEP": _NIGHT,
    "PREDICT": (*_STEP, _SHARE, _STEADY, _FELL),
    "VALUE": (*_HIGH, _STEADY, _FELL),
    "NIGHT": (*_NIGHT, _FELL),
}
_NOTES: dict[str, str] = {
    Note.PRESSURE_UNKNOWN: "; too small to be confirmed by the pressure",
    Note.PRESSURE_AGREES: "; the pressure agrees",
    Note.PRESSURE_DISAGREES: "; the pressure does not agree so far",
    Note.PRESSURE_BLAMES_METER: "",  # its number says it
    Note.SCHOOL_HOLIDAY: "; it began in the school holidays",
    Note.LOGGERS_UNKNOWN: "; too small to be confirmed by the loggers in the zone",
    Note.LOGGERS_AGREE: "; the loggers in the zone agree",
    Note.LOGGERS_DISAGREE: "; the loggers in the zone do not agree so far",
    Note.LOGGER_MOST: "; {point} fell most, {beyond_bar:.2f} bar more than such a flow explains",
    Note.LOGGER_ALONE: "; no other logger of the zone fell",
    Note.LOGGER_OTHERS: "; other loggers of the zone fell less",
    Note.LOGGERS_USUAL: "; most of the other loggers of the zone read as usual",
    Note.ZONE_LEAK: "; a LEAK is active in {point}",
    Note.ZONE_NO_LEAK: "; no LEAK is active in {point}",
}
_ENDS: dict[str, str] = {
    End.FORECAST: "flow is back at its forecast",
    End.USUAL: "flow is back at its usual",
    End.SUNDAY: "the day goes like a Sunday",
    End.LEAK: "it is a LEAK now",
    End.METER: "it is a fault of the flow meter",
    End.FELL: "flow fell by most of the leak",
    End.ACCEPTED: "it counts as the usual from now on",
    End.REPAIRED: "it was closed as repaired",
    End.PART: "it is part of the LEAK now",
    End.GOOD: "the {channel} is good again",
    End.NEVER: "the meter has never measured a {channel}",
    End.BACK: "the {channel} is back",
    End.PRESSURE_USUAL: "the pressure is back at its usual, or its new level is the usual",
    End.PLAN_OVER: "the planned work is over",
}


def text(finding: Finding) -> str:
    """What was found or, for a clear, why it is over. A finding of an older release brings its own words."""
    words = finding.text or (_end(finding) if finding.state == CLEAR else _raise(finding))
    if not finding.work or finding.state == CLEAR:
        return words
    if finding.severity == PLANNED:
        return f"planned work ({finding.work}), no alarm: {words}"
    return f"{words}; it has outlasted the planned work ({finding.work})"


def figures(finding: Finding) -> str:
    """The numbers for a table: "rise_m3h=12.1 limit_m3h=5.02"."""
    return " ".join(f"{name}={value:.5g}" for name, value in finding.numbers.items())


def _end(finding: Finding) -> str:
    return _ENDS.get(finding.end, "it is over").format(channel=finding.channel)


def _raise(finding: Finding) -> str:
    parts = _PARTS.get(finding.method if finding.code in LEAK_CODES else finding.code, ())
    known: dict[str, float | str] = {**finding.numbers}
    known |= {"channel": finding.channel, "unit": UNITS.get(finding.channel, ""), "point": finding.point}
    said = "".join(_filled(part, known) for part in parts) or f"{finding.channel} {finding.code}"
    return said + "".join(_filled(_NOTES.get(note, ""), known) for note in finding.notes)


def _filled(part: str, known: dict[str, float | str]) -> str:
    """A part with its numbers; empty if one of them is not known."""
    try:
        return part.format_map(known)
    except KeyError:
        return ""
