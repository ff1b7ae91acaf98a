"""The table of flag characters: the content of `flow_flags` and `pressure_flags`, and its meaning.

`flow_flags` has four places, SYSTEM VALUE PREDICT NIGHT; `pressure_flags` three, SYSTEM VALUE PREDICT. Each place holds
`0` for clear, or one letter of the table. A SYSTEM letter means that the value cannot be trusted; the other letters
describe a trusted value.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from common.messages import message

CLEAR = "0"
LEAK_LETTER = "L"
METHODS = (message("SYSTEM"), message("VALUE"), message("PREDICT"), message("NIGHT"))
CHANNELS = {"flow": 4, "pressure": 3}  # number of places per channel

WATCH, LEAK, FAULT, SUPPLY = "watch", "leak", "fault", "supply"
PLANNED = "planned"  # any of the others, raised during planned work: kept and shown, but no alarm
WORST_FIRST = (LEAK, FAULT, SUPPLY, WATCH, PLANNED)  # the severities


@dataclass(frozen=True, slots=True)
class Flag:
    """One letter at one place of one channel's flags."""

    channel: str
    method: str
    letter: str
    severity: str
    meaning: str

    @property
    def position(self) -> int:
        return METHODS.index(self.method)


def _system(channel: str) -> list[Flag]:
    rows = [
        ("M", message("no value")),
        ("R", message("outside the limits of the sensor or of physics")),
        ("S", message("stuck: the same value for longer than this meter ever shows")),
        ("K", message("spike: held because it jumped away from its neighbours")),
        ("D", message("drift: the slow level has left the band that it kept in the archive")),
    ]
    if channel == "flow":
        rows.append(("B", message("meter bias: the pressure does not answer to the flow as usual")))
    return [Flag(channel, "SYSTEM", letter, FAULT, meaning) for letter, meaning in rows]


_RAISED: tuple[Flag, ...] = (
    *_system("flow"),
    Flag("flow", "VALUE", "W", WATCH, message("above the usual for this day and hour for hours")),
    Flag("flow", "VALUE", "F", WATCH, message("below the usual for days")),
    Flag("flow", "VALUE", LEAK_LETTER, LEAK, message("a leak is up, found against the usual flow")),
    Flag("flow", "PREDICT", "W", WATCH, message("a step up against the forecast")),
    Flag("flow", "PREDICT", LEAK_LETTER, LEAK, message("a leak is up, found as a step that lasted")),
    Flag("flow", "NIGHT", "J", WATCH, message("last night's minimum jumped above its reference")),
    Flag("flow", "NIGHT", "C", WATCH, message("the night minimum has been creeping up")),
    Flag("flow", "NIGHT", LEAK_LETTER, LEAK, message("a leak is up, found by the night minimum")),
    *_system("pressure"),
    Flag("pressure", "VALUE", "W", WATCH, message("below what inlet and flow explain, for hours")),
    Flag("pressure", "PREDICT", "P", SUPPLY, message("pressure stepped while the flow did not ask for it")),
)

# The same letter in lower case: found during planned work. SYSTEM has none: its value cannot be trusted anyway.
TABLE = _RAISED + tuple(
    replace(flag, letter=flag.letter.lower(), severity=PLANNED, meaning=f"during planned work: {flag.meaning}")
    for flag in _RAISED
    if flag.method != "SYSTEM"
)

_BY_PLACE = {(flag.channel, flag.position, flag.letter): flag for flag in TABLE}


def explain(channel: str, flags: str) -> list[Flag]:
    """The table's rows for the letters that are set; unknown letters of a later version are skipped."""
    found = (_BY_PLACE.get((channel, place, letter)) for place, letter in enumerate(flags) if letter != CLEAR)
    return [flag for flag in found if flag is not None]


def trusted(flags: str) -> bool:
    """Whether the value is trusted: SYSTEM is clear (a leak is a true value)."""
    return flags[:1] == CLEAR


def severest(flags: Iterable[Flag]) -> str | None:
    """The most severe: LEAK, FAULT, SUPPLY, WATCH, PLANNED; None if there are no flags."""
    return min((flag.severity for flag in flags), key=WORST_FIRST.index, default=None)
