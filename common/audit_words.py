"""An entry of the audit in words: what was done, what each value is called, and the codes among them."""

from collections.abc import Iterator, Mapping

from common import registry
from common.audit import Value
from common.messages import Catalogue, message

ROLES = {"viewer": message("viewer"), "operator": message("operator"), "admin": message("admin")}
NAMES = {
    "user": message("user"),
    "role": message("role"),
    "sensor": message("sensor"),
    "value": message("value"),
    "before": message("before"),
    "after": message("after"),
    "since": message("since"),
    "incident": message("incident"),
    "cause": message("cause"),
    "text": message("note"),
    "recipient": message("recipient"),
    "count": message("count"),
    "now": message("the clock then"),
    "rows_until": message("newest row"),
    "first": message("from"),
    "end": message("until"),
}

DEEDS = {
    "login": message("logged in"),
    "login-failed": message("a login failed"),
    "logins-failed": message("more logins failed"),
    "logout": message("logged out"),
    "logout-everywhere": message("logged out everywhere"),
    "user-added": message("made a user"),
    "user-removed": message("removed a user"),
    "user-role": message("set a role"),
    "user-password": message("set a password"),
    "incident-acknowledge": message("acknowledged an incident"),
    "incident-shelve": message("shelved an incident"),
    "incident-close": message("closed an incident"),
    "incident-note": message("wrote a note about an incident"),
    "work-planned": message("planned work"),
    "work-ended": message("ended planned work"),
    "work-removed": message("removed planned work"),
    "holiday-added": message("added a holiday"),
    "holiday-removed": message("removed a holiday"),
    "school-added": message("added a school holiday"),
    "school-removed": message("removed a school holiday"),
    "sensor-registered": message("registered a sensor"),
    "sensor-changed": message("changed a value of a sensor"),
    "sensor-replaced": message("recorded a replaced instrument"),
    "sensor-removed": message("removed a sensor"),
    "alerts-tested": message("sent a test message"),
    "clock-confirmed": message("confirmed the clock"),
    "criteria-wanted": message("asked for new limits"),
    "rows-resent": message("had rows sent again"),
}


def deed(what: str, speech: Catalogue) -> str:
    """What was done; a code that has no words stays as it is."""
    return speech.say(DEEDS[what]) if what in DEEDS else what


def shown(
    values: Mapping[str, Value], speech: Catalogue, codes: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    """Names and values for a reader; what has no words stays as it is, and the key of an entry is not shown.

    Args:
        codes: the words of values that are codes of other parts, by name and code.
    """
    of_users = {"before": ROLES, "after": ROLES} if "user" in values else {}
    coded = {"role": ROLES, "value": registry.LABELS, **of_users, **codes}
    for name, value in values.items():
        if name == "entry":
            continue
        words = coded.get(name, {}).get(str(value))
        called = speech.say(NAMES[name]) if name in NAMES else name
        yield called, speech.say(words) if words else _plain(value, str(values.get("value")), speech)


def _plain(value: Value, column: str, speech: Catalogue) -> str:
    """A value that is no code; a number of a column of the registry with its unit."""
    figure = registry.FIGURES.get(column)
    if value is None or not isinstance(value, int | float) or figure is None:
        return "–" if value is None else str(value)
    number, unit = registry.shown(column, value, speech.units), figure.shown_in(speech.units).name
    return speech.with_unit(number, unit) if unit else number
