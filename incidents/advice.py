"""What to do next about an incident: a short list for each kind and code."""

from common.messages import message
from incidents.incident import Incident, Sign
from incidents.life import Stage
from outliers.flags import FAULT, LEAK, PLANNED, SUPPLY, WATCH

_WORK = message("Check planned work, flushing and hydrants in this zone.")
_METER_CHECK = message("Compare the flow meter with a second one, such as a clamp-on meter.")
_DISPLAY = message("Compare the value with the instrument's own display.")
_WIRING = message("Check power, cable and transmission of the instrument.")
_GAUGE = message("Compare the pressure with a second gauge.")
_SUPPLY = message("Check pressure-reducing valve, pump, reservoir level and valves.")
_AT_LOGGER = (
    message("Check planned work, flushing, hydrants and large customers near the logger."),
    message("Check the valves near the logger, and compare its pressure with a second gauge."),
    message("If none of it is the cause, have the mains near the logger listened to."),
)
DONE = (message("Close the incident with its cause, so that it is remembered."),)
OUTAGE = (
    message(
        "Check at once whether water comes: ask whether supply is shut off, and look at valves, pump and reservoir."
    ),
    message("If water comes, check the power and the wiring of both instruments."),
    message("When it is back, watch the flow: a pipe may have broken."),
)
# By severity, or by severity and code.
TODO = {
    LEAK: (
        _WORK,
        message("If there is none, have the zone listened to at night."),
        message("Narrow it down by a step test: close one valve after the other and watch the flow."),
        message("Check that the boundary valves are shut."),
    ),
    WATCH: (
        _WORK,
        message("Watch the minimum night flow of the next night; no crew is needed yet."),
    ),
    f"{WATCH} VAL-LOW": (
        message("Check closed valves, an outage of supply, and large customers."),
        _METER_CHECK,
    ),
    f"{WATCH} LOG-LOW": _AT_LOGGER,
    f"{SUPPLY} LOG-LOW": _AT_LOGGER,
    SUPPLY: (_SUPPLY, _GAUGE),
    f"{SUPPLY} VAL-LOW": (
        message("Check closed valves, an outage of supply, and large customers."),
        _METER_CHECK,
    ),
    FAULT: (_WIRING, _DISPLAY),
    f"{FAULT} SYS-MISS": (_WIRING, message("Ask whether the instrument has been taken out.")),
    f"{FAULT} SYS-RANGE": (_DISPLAY, message("Check its scale, and its limits in the settings.")),
    f"{FAULT} SYS-STUCK": (
        message("See whether the instrument's own display changes."),
        message("If it does not, clean it or start it again; if it does, check the transmission."),
    ),
    f"{FAULT} SYS-SPIKE": (message("If it happens again, check wiring and earth."),),
    f"{FAULT} SYS-DRIFT": (_GAUGE, _SUPPLY, message("Check the gauge's tube for air, dirt and frost.")),
    f"{FAULT} LOG-DRIFT": (
        _GAUGE,
        message("If it reads right, see whether a valve near the logger was opened or closed."),
    ),
    f"{FAULT} SYS-METER": (
        _METER_CHECK,
        message("Check the meter for air, dirt and a scale that was changed."),
        message("A leak at the same time is not excluded: watch the minimum night flow."),
    ),
    PLANNED: (message("Nothing while the planned work lasts."),),
}


def todo(incident: Incident, leading: Sign, stage: Stage) -> tuple[str, ...]:
    """The English sentences of the list; empty for what is closed."""
    if stage is Stage.CLOSED:
        return ()
    severity = incident.severity
    if incident.ended is not None:
        return () if severity == PLANNED else DONE
    if incident.outage:
        return OUTAGE
    return TODO.get(f"{severity} {leading.code}") or TODO[severity]
