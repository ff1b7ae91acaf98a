"""The values of an entry of the audit in words: what each is called, and the codes among them."""

from collections.abc import Iterator, Mapping

from common.audit import Value
from common.messages import Catalogue, message
from common.registry import LABELS

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


def shown(
    values: Mapping[str, Value], speech: Catalogue, codes: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    """Names and values for a reader; what has no words stays as it is, and the key of an entry is not shown.

    Args:
        codes: the words of values that are codes of other parts, by name and code.
    """
    of_users = {"before": ROLES, "after": ROLES} if "user" in values else {}
    coded = {"role": ROLES, "value": LABELS, **of_users, **codes}
    for name, value in values.items():
        if name == "entry":
            continue
        words = coded.get(name, {}).get(str(value))
        called = speech.say(NAMES[name]) if name in NAMES else name
        yield called, speech.say(words) if words else "–" if value is None else str(value)
