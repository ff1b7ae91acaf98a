"""Evidence: what a method has found, as values. The finding log decides what is raised and cleared.

Numbers have names that end in the unit, and only what was measured is there. Sentences are made where they are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from outliers.findings import End, Note
from outliers.flags import FAULT, LEAK, SUPPLY, WATCH
from outliers.watch.active import Leak

Numbers = Mapping[str, float]


class Change(Enum):
    """How the condition that a method watches has changed."""

    NONE = "none"
    BEGAN = "began"
    LASTED = "lasted"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rule:
    """The subject of a finding; `code` is the same in raise and clear."""

    code: str
    channel: str
    method: str
    kind: str
    severity: str


STEP = Rule("PRE-STEP", "flow", "PREDICT", LEAK, WATCH)
HIGH = Rule("VAL-HIGH", "flow", "VALUE", LEAK, WATCH)
LOW = Rule("VAL-LOW", "flow", "VALUE", SUPPLY, WATCH)
JUMP = Rule("NGT-JUMP", "flow", "NIGHT", LEAK, WATCH)
CREEP = Rule("NGT-CREEP", "flow", "NIGHT", LEAK, WATCH)
WATCHES = (STEP, HIGH, LOW, JUMP, CREEP)
SUPPLY_STEP = Rule("SUP-STEP", "pressure", "PREDICT", SUPPLY, SUPPLY)
DRIFT = Rule("SYS-DRIFT", "pressure", "SYSTEM", FAULT, FAULT)
LOGGER_LOW = Rule("LOG-LOW", "pressure", "VALUE", SUPPLY, WATCH)
LOGGER_DRIFT = Rule("LOG-DRIFT", "pressure", "SYSTEM", FAULT, FAULT)
METER = Rule("SYS-METER", "flow", "SYSTEM", FAULT, FAULT)
LEAKS = {method: Rule("LEAK", "flow", method, LEAK, LEAK) for method in ("VALUE", "PREDICT", "NIGHT")}
MORE_LEAKS = {method: Rule("LEAK-MORE", "flow", method, LEAK, LEAK) for method in LEAKS}
LEAK_CODES = {rule.code for rule in (*LEAKS.values(), *MORE_LEAKS.values())}
_SYSTEM = {"M": "SYS-MISS", "R": "SYS-RANGE", "S": "SYS-STUCK", "K": "SYS-SPIKE"}
GATES = {
    (channel, letter): Rule(code, channel, "SYSTEM", FAULT, FAULT)
    for channel in ("flow", "pressure")
    for letter, code in _SYSTEM.items()
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The condition of `rule` began or ended.

    Attributes:
        minute: UTC unix minute at which it was detected.
        since: UTC unix minute at which it probably began.
        numbers, notes: what was measured and seen.
        end: why it ended; None if it began.
        point: another point that it speaks of.
        until: UTC unix minute until which it probably lasted; None = `minute`, or it began.
    """

    rule: Rule
    change: Change
    minute: int
    since: int
    numbers: Numbers
    notes: tuple[Note, ...] = ()
    end: End | None = None
    point: str = ""
    until: int | None = None


@dataclass(frozen=True, slots=True)
class LeakEvidence:
    """A method has detected a leak."""

    leak: Leak
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class LeakEnd:
    """The flow of a known leak has stopped since about UTC hour `since_hour`.

    Attributes:
        until: UTC minute until which it probably flowed; None = until now.
        size: what it was until then, share of the mean; None: as at its raise.
    """

    since_hour: int
    end: End
    numbers: Numbers
    until: int | None = None
    size: float | None = None


def ended(rule: Rule, minute: int, end: End, **numbers: float) -> Evidence:
    """Evidence that the condition of `rule` ended at `minute`."""
    return Evidence(rule, Change.ENDED, minute, minute, numbers, end=end)
