"""The incident: one trouble at one point, as values. Sentences are made where it is shown, from these and the time.

The methods find signs; `book` joins them. Nothing here depends on who reads, or on what people did (`acts`, `life`).
"""

import re

import msgspec

from common.clock import minute_start
from common.state_file import Count, Minute
from outliers.flags import FAULT, LEAK, SUPPLY, WATCH, WORST_FIRST

_ID = re.compile(r"(.+)-\d{8}T\d{4}Z-[a-z]+(?:-\d+)?", re.ASCII)
KINDS = (LEAK, FAULT, SUPPLY)
SPIKE = "SYS-SPIKE"


class Sign(msgspec.Struct):
    """What one rule found: a raise, and how it ended.

    Attributes:
        code: the rule, such as "PRE-STEP", "LEAK" or "SYS-STUCK".
        method: SYSTEM, VALUE, PREDICT or NIGHT.
        channel: "flow", "pressure" or "both".
        severity: one of `WORST_FIRST`.
        since: UTC minute at which it probably began.
        raised, ended: UTC minutes at which it was told, and told to be over; None = it is up.
        numbers: what was measured when it was raised, by name; the name ends in the unit.
        notes: what else was seen then, as codes, such as "pressure-agrees"; what loggers in a zone show of its LEAK is
            that of now.
        end: code of why it ended, such as "usual" or "meter"; empty while it is up.
        work: the planned work during which it was raised, in the operator's words.
        point: id of another point that it speaks of: of a LEAK, the logger that fell most; of a logger, its zone.
        until: UTC minute until which it probably lasted, if that is known to be before `ended`.
    """

    code: str
    method: str
    channel: str
    severity: str
    since: Minute
    raised: Minute
    ended: Minute | None = None
    numbers: dict[str, float] = {}
    notes: list[str] = []
    end: str = ""
    work: str = ""
    point: str = ""
    until: Minute | None = None

    @property
    def lasted_until(self) -> int:
        """UTC minute of its probable end; 0 while it is up."""
        ended = self.ended or 0
        return ended if self.until is None else min(self.until, ended)


class Size(msgspec.Struct, frozen=True):
    """The extra flow of a leak over the usual flow, m3/h, with its standard error, in the hour before UTC `minute`."""

    minute: Minute
    flow_m3h: float
    error_m3h: float


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """What an incident had lost from its beginning to UTC `minute`."""

    minute: Minute
    volume_m3: float


class Before(msgspec.Struct, frozen=True):
    """What the incident was taken for until UTC `minute`."""

    kind: str
    minute: Minute


class Incident(msgspec.Struct):
    """One trouble at one point.

    Attributes:
        id: the same for ever, unique on the site: sensor, beginning and kind, "001-20240827T0210Z-leak".
        kind: one of `KINDS`, what it is taken for now.
        began: UTC minute of its first sign's `since`.
        raised: UTC minute at which it was first told.
        ended: UTC minute until which its last sign probably lasted; None = it is up.
        size: its newest size; None = not known, or it is no leak.
        largest_m3h: the largest size so far.
        volume_m3: lost so far, from its beginning to its end.
        signs: oldest first; at most `book.MOST_SIGNS`.
        before: other kinds that it was taken for before, oldest first.
        returned: how often it came back after it had ended.
        joined: id of the incident with which this one is one leak, at a zone or a meter of it; empty: it stands alone.
        course: the volume at about each hour of the last days, while a leak is up: its end may be noticed later.
    """

    id: str
    site: str
    sensor: str
    kind: str
    began: Minute
    raised: Minute
    ended: Minute | None = None
    size: Size | None = None
    largest_m3h: float | None = None
    volume_m3: float | None = None
    signs: list[Sign] = []
    before: list[Before] = []
    returned: Count = 0
    joined: str = ""
    course: list[Lost] = []

    @property
    def over_told(self) -> int | None:
        """UTC minute at which its end was noticed; None = it is up."""
        return None if self.ended is None else max(self.ended, *(sign.ended or 0 for sign in self.signs))

    @property
    def end_is_estimate(self) -> bool:
        """Whether its end was noticed later."""
        return self.over_told != self.ended

    @property
    def up(self) -> list[Sign]:
        """The signs that stand."""
        return [sign for sign in self.signs if sign.ended is None]

    @property
    def leading(self) -> Sign:
        """The sign that the incident is named after: the worst that stands, or that it ever had; then the newest.

        One of another kind comes last: of a leak that turned out to be the meter, or of instruments without water. So
        does a value that was wrong for a moment meanwhile.
        """

        def place(sign: Sign) -> tuple[bool, int, bool, int]:
            another = _of_another_kind(sign, self.kind)
            return another, WORST_FIRST.index(sign.severity), sign.code == SPIKE, -sign.raised

        return min(self.up or self.signs, key=place)

    @property
    def severity(self) -> str:
        """How bad it is now, or was, if it has ended. A leak that only the pressure still shows is a watch; an outage
        is told to whoever is told of faults.
        """
        if self.outage:
            return FAULT
        if _of_another_kind(self.leading, self.kind):
            return WATCH if self.kind == LEAK else self.kind
        return self.leading.severity

    @property
    def outlived(self) -> bool:
        """Whether no sign of its own kind stands."""
        return all(_of_another_kind(sign, self.kind) for sign in self.up)

    @property
    def outage(self) -> bool:
        """Whether the flow and the pressure have fallen together: no water comes, or no power to the instruments."""
        signs = self.up or self.signs
        fallen = {sign.channel for sign in signs if sign.severity in (FAULT, SUPPLY)}
        return self.kind == SUPPLY and fallen == {"flow", "pressure"}

    @property
    def channel(self) -> str:
        return self.leading.channel

    def minutes(self, now: int) -> int:
        """How long it has lasted at UTC minute `now`, or did last; never negative, whatever the clock did."""
        return max(0, (now if self.ended is None else self.ended) - self.began)


def id_of(sensor: str, began: int, kind: str, number: int = 1) -> str:
    """The id of an incident that began at UTC minute `began`; `number`: of those that would have the same."""
    whole = f"{sensor}-{minute_start(began):%Y%m%dT%H%MZ}-{kind}"
    return whole if number == 1 else f"{whole}-{number}"


def sensor_of(incident: str) -> str:
    """The sensor in an id; the id itself if it is of another form."""
    found = _ID.fullmatch(incident)
    return found[1] if found else incident


def _of_another_kind(sign: Sign, kind: str) -> bool:
    return sign.severity in KINDS and sign.severity != kind
