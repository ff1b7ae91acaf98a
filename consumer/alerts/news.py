"""What is new about an incident for somebody who was told of it before, or was not: pure functions."""

from dataclasses import dataclass
from enum import StrEnum

from common.clock import minute_of
from common.state_file import Minute
from incidents.acts import Act, Do
from incidents.incident import Incident
from incidents.life import Life, Stage
from incidents.reading import Known
from outliers.flags import PLANNED, WORST_FIRST

GROWN = 1.5  # times the size that was told last
SURE_ERRORS = 2.0  # and by so many standard errors
FUTURE_MIN = 2  # a later incident was raised by a wrong clock


class News(StrEnum):
    """Why there is something to tell."""

    RAISED = "raised"
    WORSE = "worse"  # a WATCH has become a LEAK
    CHANGED = "changed"  # it is taken for something else now
    GREW = "grew"
    RETURNED = "returned"  # after its end, or after it was closed
    TAKEN = "taken"  # somebody has acknowledged it
    AGAIN = "again"  # it is still up after the time for which it was shelved
    OVER = "over"


@dataclass(slots=True)
class Said:
    """What somebody was told of an incident last.

    Attributes:
        severity: the worst that was told since `kind` was.
        minute: UTC minute of the message.
        flow_m3h: the size told; None = it was not known.
        over: its end was told.
        taken: UTC minute of the acknowledgement that was told.
    """

    kind: str
    severity: str
    minute: Minute
    flow_m3h: float | None = None
    over: bool = False
    taken: Minute = 0


def news(known: Known, said: Said | None, minute: int) -> News | None:
    """What to tell at UTC `minute`; None = nothing."""
    incident, life = known
    if incident.raised > minute + FUTURE_MIN or incident.severity == PLANNED:
        return None
    if life.stage in (Stage.SHELVED, Stage.CLOSED):
        return None
    if life.stage is Stage.ACKNOWLEDGED and not _more_since(incident, life, said):
        return _of_taken(incident, life, said)
    if incident.ended is not None:
        told = said.over if said else False
        return None if told or _reopened(life) else News.OVER
    return _of_standing(incident, life, said)


def _of_taken(incident: Incident, life: Life, said: Said | None) -> News | None:
    if said is None or said.over:
        return None
    if incident.ended is not None:
        return News.OVER
    return News.TAKEN if said.taken != _taken(life) else None


def _taken(life: Life) -> int:
    return minute_of(life.at) if life.stage is Stage.ACKNOWLEDGED and life.at is not None else 0


def _of_standing(incident: Incident, life: Life, said: Said | None) -> News | None:
    if said is None:
        return News.RAISED
    reopened = _reopened(life)
    if said.over or (reopened and reopened.do is Do.CLOSE and said.minute <= minute_of(reopened.at)):
        return News.RETURNED
    if reopened and reopened.until is not None and said.minute < reopened.until:
        return News.AGAIN
    if said.kind != incident.kind:
        return News.CHANGED
    if _rank(incident.severity) < _rank(said.severity):
        return News.WORSE
    return News.GREW if _grown(incident, said) else None


def _reopened(life: Life) -> Act | None:
    """The act that had put it away, if that is over."""
    last = next((act for act in reversed(life.acts) if act.do is not Do.NOTE), None)
    return last if life.waits else None


def _grown(incident: Incident, said: Said) -> bool:
    size = incident.size
    if size is None or said.flow_m3h is None:
        return False
    more = size.flow_m3h - said.flow_m3h
    return size.flow_m3h >= GROWN * said.flow_m3h and more > SURE_ERRORS * size.error_m3h


def _more_since(incident: Incident, life: Life, said: Said | None) -> bool:
    """Whether it has become worse, or has come back, since it was acknowledged: that was about less."""
    if life.at is None or incident.ended is not None:
        return False
    acknowledged = minute_of(life.at)
    then = [_rank(sign.severity) for sign in incident.signs if sign.raised <= acknowledged]
    worse = bool(then) and _rank(incident.severity) < min(then)
    return worse or (said is not None and said.over and any(sign.raised > acknowledged for sign in incident.signs))


def _rank(severity: str) -> int:
    return WORST_FIRST.index(severity)


def said_now(incident: Incident, before: Said | None, minute: int, life: Life | None = None) -> Said:
    """What has been told, after a message with the incident as it is."""
    taken = (_taken(life) if life else 0) or (before.taken if before else 0)
    severity = incident.severity
    if before and before.kind == incident.kind:
        severity = min(severity, before.severity, key=_rank)
    size = incident.size.flow_m3h if incident.size else None
    return Said(incident.kind, severity, minute, size, incident.ended is not None, taken)
