"""Why: what each rule found, in words, and how it ended. A fragment is left out if one of its numbers is not known."""

import math

from common.messages import Catalogue, fields, message, plain
from incidents.incident import Sign
from outliers.flags import CHANNELS

NIGHT_CODES = {"NGT-JUMP", "NGT-CREEP"}
RISE_CODES = {"LEAK", "LEAK-MORE", "PRE-STEP", "VAL-HIGH"}
ERRORS = {
    "rise_m3h": "error_m3h",
    "fall_m3h": "error_m3h",
    "steady_m3h": "steady_error_m3h",
    "usual_m3h": "spread_m3h",
    "scale_share": "error_share",
}
SIGNED = ("away_bar", "scale_share")  # which way is in the words
METHODS = {
    "SYSTEM": message("Instrument"),
    "VALUE": message("Usual range"),
    "PREDICT": message("Forecast"),
    "NIGHT": message("Night flow"),
}
_RISE = (message("by {rise_m3h} when it was told"), message("{share} of the mean flow"))
_LIMIT_M3H = message("limit {limit_m3h}")
_AWAY = (message("by {away_bar} when it was told"), message("limit {limit_bar}"))
_STEADY = message("an extra flow of {steady_m3h} (estimate) is steady, as that of a leak is")
_NIGHT = (message("last night {night_m3h}, usually {usual_m3h}"), message("for {nights}"))
_METER = (
    message("a leak would have lowered the pressure by {due_bar}"),
    message("the pressure fell by {fell_bar}"),
    message("the pressure rose by {rose_bar}"),
)
# By code, then by code and the sign of what was measured, or by code and method. The first needs no number.
FOUND = {
    "SYS-MISS": (message("no value comes"), message("told after {minutes} without one")),
    "SYS-RANGE": (message("the value is outside the limits"), message("value {value}, limit {limit}")),
    "SYS-STUCK": (
        message("the value does not change"),
        message("it stays at {value}"),
        message("told after {minutes}; this instrument never stays the same for longer than {limit_minutes}"),
    ),
    "SYS-SPIKE": (
        message("the value jumped away from those around it"),
        message("value {value}, before {before}, after {after}"),
        message("jumps larger than {limit} are held"),
    ),
    "SYS-DRIFT": (message("the pressure has slowly left its usual"), *_AWAY),
    "SYS-DRIFT+": (message("the pressure has slowly risen above its usual"), *_AWAY),
    "SYS-DRIFT-": (message("the pressure has slowly fallen below its usual"), *_AWAY),
    "SYS-METER": (message("the pressure does not answer to the flow as usual"), *_METER),
    "SYS-METER+": (
        message("the pressure does not answer to the flow as usual"),
        message("the flow meter reads about {scale_share} too much"),
        *_METER,
    ),
    "SYS-METER-": (
        message("the pressure does not answer to the flow as usual"),
        message("the flow meter reads about {scale_share} too little"),
        *_METER,
    ),
    "SUP-STEP": (message("the pressure stepped, and the flow is not the cause"), *_AWAY),
    "SUP-STEP+": (message("the pressure stepped up, and the flow is not the cause"), *_AWAY),
    "SUP-STEP-": (message("the pressure stepped down, and the flow is not the cause"), *_AWAY),
    "LOG-LOW": (
        message("the pressure at this logger has been lower for hours than the inlet and the flow of the zone explain"),
        message("by {below_bar} in the last {minutes} before it was told"),
        message("limit {limit_bar}"),
    ),
    "LOG-DRIFT": (
        message("the pressure at this logger has left what the inlet and the flow of the zone explain"),
        *_AWAY,
    ),
    "LOG-DRIFT+": (
        message("this logger has read more for a day than the inlet and the flow of the zone explain"),
        *_AWAY,
    ),
    "LOG-DRIFT-": (
        message("this logger has read less for a day than the inlet and the flow of the zone explain"),
        *_AWAY,
    ),
    "PRE-STEP": (message("the flow stepped above its forecast"), *_RISE, _LIMIT_M3H),
    "VAL-HIGH": (message("the flow has been above its usual for hours"), *_RISE, _STEADY),
    "VAL-LOW": (
        message("the flow has been below its usual for days"),
        message("by {fall_m3h} when it was told"),
        message("{share} of the mean flow"),
    ),
    "NGT-JUMP": (message("the minimum night flow has jumped above its usual"), *_NIGHT),
    "NGT-CREEP": (message("the minimum night flow has been creeping up"), *_NIGHT),
    "LEAK PREDICT": (
        message("the flow stepped above its forecast and has stayed there"),
        *_RISE,
        message("told after {minutes}"),
        _LIMIT_M3H,
        _STEADY,
    ),
    "LEAK VALUE": (message("the flow stays above its usual, as with a leak"), *_RISE, _STEADY),
    "LEAK NIGHT": (message("the minimum night flow is above its usual, and so is the day"), *_NIGHT),
    "LEAK-MORE PREDICT": (
        message("the leak has grown: the flow stepped up once more and has stayed there"),
        *_RISE,
        message("told after {minutes}"),
        _LIMIT_M3H,
        _STEADY,
    ),
    "LEAK-MORE VALUE": (message("the leak has grown: the flow is still further above its usual"), *_RISE, _STEADY),
    "LEAK-MORE NIGHT": (message("the leak has grown: the minimum night flow has risen once more"), *_NIGHT),
}
_PRESSURE = (
    message("it fell by {fell_bar}, where {due_bar} was to be expected"),
    message("it rose by {rose_bar}, where a fall by {due_bar} was to be expected"),
)
NOTES = {
    "pressure-unknown": (message("the pressure cannot tell: it would change too little"),),
    "pressure-agrees": (message("the pressure agrees"), *_PRESSURE),
    "pressure-disagrees": (message("the pressure does not agree so far"), *_PRESSURE),
    "pressure-blames-meter": (
        message("by the pressure, the meter is the cause"),
        message("it reads about {meter_share} too little"),
    ),
    "school-holiday": (message("it began in the school holidays"),),
    "loggers-unknown": (message("the loggers in the zone cannot tell: they would change too little"),),
    "loggers-agree": (
        message("the pressure at the loggers in the zone agrees"),
        message("together they fell by {loggers_share} of what was to be expected"),
    ),
    "loggers-disagree": (
        message(
            "the loggers in the zone do not agree so far: it may leave near the inlet, or the flow meter may be wrong"
        ),
        message("together they fell by {loggers_share} of what was to be expected"),
    ),
    "logger-most": (
        message("logger {point} fell most, by {beyond_bar} more than such a flow explains: look near it first"),
    ),
    "logger-alone": (message("the other loggers of the zone show no such fall"),),
    "logger-others": (message("other loggers of the zone fell too, but less"),),
    "loggers-usual": (message("most of the other loggers of the zone read as usual"),),
    "zone-leak": (message("a leak is suspected in {point} at the same time: it may be near this logger"),),
    "zone-no-leak": (
        message(
            "no leak is known in {point}: a small leak, a use or a closed valve nearby, or the logger, may be the cause"
        ),
    ),
}
ENDS = {
    "forecast": message("The flow is back at its forecast."),
    "usual": message("The flow is back at its usual."),
    "sunday": message("The day goes like a Sunday."),
    "leak": message("It became a suspected leak."),
    "meter": message("The flow meter was found to be the cause."),
    "fell": message("The flow fell by most of it."),
    "accepted": message("This flow counts as usual from now on."),
    "repaired": message("It was closed as repaired."),
    "part": message("It lasted 14 days, and counts as part of the leak."),
    "good": message("The instrument is good again."),
    "never": message("The meter has never measured it, so nothing is missing."),
    "back": message("The value is back."),
    "pressure-usual": message("The pressure is back at its usual, or its new level counts as usual."),
    "plan-over": message("The planned work is over."),
    "gone": message("It is no longer watched; what became of it is not known."),
}


def why(sign: Sign, catalogue: Catalogue) -> str:
    """One line about a sign: the method, what it found, what the pressure says."""
    known = values(sign, catalogue)
    found = FOUND.get(f"{sign.code} {sign.method}") or FOUND.get(sign.code + side(sign)) or FOUND.get(sign.code, ())
    fragments = [*found, *(each for note in sign.notes for each in NOTES.get(note, ()))]
    said = [catalogue.say(each, **known) for each in fragments if fields(each) <= known.keys()]
    if sign.work:
        said.append(catalogue.say("during planned work: {work}", work=plain(sign.work)))
    method = catalogue.say(METHODS[sign.method]) if sign.method in METHODS else plain(sign.method)
    return f"{method}: {'; '.join(said) or plain(sign.code)}"


def excess(sign: Sign, catalogue: Catalogue) -> str:
    """By how much the flow was away from its usual when the sign was raised; empty if that is not known."""
    known = values(sign, catalogue)
    return known.get("rise_m3h") or known.get("fall_m3h") or ""


def side(sign: Sign) -> str:
    """ "+" if what was measured is above its usual, "-" if below, "" if that is not known."""
    found = [sign.numbers[name] for name in SIGNED if name in sign.numbers and math.isfinite(sign.numbers[name])]
    return ("+" if found[0] > 0 else "-") if found else ""


def values(sign: Sign, catalogue: Catalogue) -> dict[str, str]:
    """The numbers of a sign as they are said, with their units and errors."""
    finite = {name: value for name, value in sign.numbers.items() if math.isfinite(value)}
    if finite.get("fell_bar", 0.0) < 0:
        finite["rose_bar"] = -finite.pop("fell_bar")
    shown = {name: _shown(name, finite, sign.channel, catalogue) for name in finite}
    return shown | {"point": plain(sign.point)} if sign.point else shown


def _shown(name: str, numbers: dict[str, float], channel: str, catalogue: Catalogue) -> str:
    value, error = numbers[name], numbers.get(ERRORS.get(name, ""))
    if name.endswith("minutes"):
        return catalogue.span(value)
    if name == "nights":
        return catalogue.many("{count} night", "{count} nights", int(value))
    if name.endswith("_share") or name == "share":
        return catalogue.share(abs(value), error)
    if name.endswith("_bar"):
        return catalogue.measured("pressure", abs(value) if name in SIGNED else value)
    if name.endswith("_m3h"):
        return catalogue.flow(value, error)
    return catalogue.measured(channel, value) if channel in CHANNELS else f"{value:,.2f}"
