"""Severity: what becomes of the methods' evidence. WATCH at once, one LEAK an incident, cleared with hysteresis.

The incident of a sensor holds which WATCH codes are up and the one LEAK. While a LEAK is up its flow is known and
taken out of what the methods see, so nothing is raised twice for it; what they then look for is its end.
"""

import math
from dataclasses import dataclass
from typing import Any

ACCEPTED_H = 14 * 24  # after so long a flow is part of the usual, with a note
MEMORY_MIN = 30 * 1440  # a LEAK counts as often so long, fading
FREE = 1.5  # LEAKs of a month that raise no limit
STRICTER = 0.15  # of a LEAK's limit for each one more


@dataclass(frozen=True, slots=True)
class Rule:
    """What a finding is about; `code` is the same in raise and clear."""

    code: str
    channel: str
    method: str
    kind: str
    severity: str


STEP = Rule("PRE-STEP", "flow", "PREDICT", "leak", "watch")
HIGH = Rule("VAL-HIGH", "flow", "VALUE", "leak", "watch")
LOW = Rule("VAL-LOW", "flow", "VALUE", "supply", "watch")
JUMP = Rule("NGT-JUMP", "flow", "NIGHT", "leak", "watch")
CREEP = Rule("NGT-CREEP", "flow", "NIGHT", "leak", "watch")
SUPPLY = Rule("SUP-STEP", "pressure", "PREDICT", "supply", "supply")
DRIFT = Rule("SYS-DRIFT", "pressure", "SYSTEM", "fault", "fault")
METER = Rule("SYS-METER", "flow", "SYSTEM", "fault", "fault")
LEAKS = {method: Rule("LEAK", "flow", method, "leak", "leak") for method in ("VALUE", "PREDICT", "NIGHT")}
MORE = {method: Rule("LEAK-MORE", "flow", method, "leak", "leak") for method in LEAKS}
_SYSTEM = {"M": "SYS-MISS", "R": "SYS-RANGE", "S": "SYS-STUCK", "K": "SYS-SPIKE"}
GATE = {
    (channel, letter): Rule(code, channel, "SYSTEM", "fault", "fault")
    for channel in ("flow", "pressure")
    for letter, code in _SYSTEM.items()
}


@dataclass(slots=True)
class Wrong:
    """The flow meter reads in another scale."""

    raised: int  # UTC minute
    size: float  # share of the flow that it shows too much; below nought: too little


@dataclass(slots=True)
class Leak:
    """The leak that is up."""

    method: str  # which found it
    raised: int  # UTC minute
    since: int  # UTC minute at which it seems to have begun
    size: float  # share of the mean flow
    steady: float  # what the texture has seen of it


class Incident:
    """What is up at one sensor."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        state = state or {}
        self.watches: dict[str, int] = dict(state.get("watches", {}))  # code -> minute raised
        leak = state.get("leak")
        self.leak: Leak | None = Leak(*leak) if leak else None
        more = state.get("more")
        self.more: Leak | None = Leak(*more) if more else None  # a larger one on top of it
        wrong = state.get("wrong")
        self.wrong: Wrong | None = Wrong(*wrong) if wrong else None
        self.ended: int = state.get("ended", 0)  # minute at which the last of those ended
        self.often: float = state.get("often", 0.0)  # LEAKs of the last month, the old ones faded
        self.counted: int = state.get("counted", 0)  # minute of the last of them

    def state(self) -> dict[str, Any]:
        return {
            "watches": dict(self.watches),
            "leak": _numbers(self.leak),
            "more": _numbers(self.more),
            "wrong": [self.wrong.raised, self.wrong.size] if self.wrong else None,
            "ended": self.ended,
            "often": self.often,
            "counted": self.counted,
        }

    def count(self, minute: int) -> None:
        """A LEAK is raised."""
        self.often = self._often(minute) + 1.0
        self.counted = minute

    def _often(self, minute: int) -> float:
        return self.often * math.exp((self.counted - minute) / MEMORY_MIN) if self.often else 0.0

    def strictness(self, minute: int) -> float:
        """Times the limits of a LEAK: use that raises one after another is not what the archive has shown."""
        return 1.0 + STRICTER * max(0.0, self._often(minute) - FREE)

    @property
    def newest(self) -> Leak | None:
        """The LEAK that ends first."""
        return self.more or self.leak

    def letters(self) -> str:
        """VALUE, PREDICT and NIGHT of the flow's flags."""
        if self.leak is not None:
            return {"VALUE": "L00", "PREDICT": "0L0", "NIGHT": "00L"}[self.leak.method]
        watches = self.watches
        if not watches:
            return "000"
        night = "J" if JUMP.code in watches else "C" if CREEP.code in watches else "0"
        hours = "W" if HIGH.code in watches else "F" if LOW.code in watches else "0"
        return hours + ("W" if STEP.code in watches else "0") + night


def _numbers(leak: Leak | None) -> list[str | int | float] | None:
    return [leak.method, leak.raised, leak.since, leak.size, leak.steady] if leak else None
