"""Where an incident is among people: derived from their acts, in order, each time it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from common.clock import minute_of
from incidents.acts import Act, Cause, Do
from incidents.incident import Incident


class Stage(StrEnum):
    """What people have done about it last."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Life:
    """The life of an incident among people.

    Attributes:
        by, at: who made the stage what it is, and when; None and empty while it is open.
        until: UTC minute until which it is shelved.
        cause: why it was closed.
        acts: all of them, notes too, oldest first.
    """

    stage: Stage = Stage.OPEN
    by: str = ""
    at: datetime | None = None
    until: int | None = None
    cause: Cause | None = None
    acts: tuple[Act, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether nobody has taken note of it yet."""
        return self.stage is Stage.OPEN


STAGES = {Do.ACKNOWLEDGE: Stage.ACKNOWLEDGED, Do.SHELVE: Stage.SHELVED, Do.CLOSE: Stage.CLOSED}


def life(incident: Incident, acts: Iterable[Act], minute: int) -> Life:
    """The life at UTC `minute`, from the acts about this incident.

    A shelved one is open again when its time is over. A closed one is open again when a sign was raised after that: the
    trouble has come back.
    """
    own = tuple(sorted(acts, key=lambda act: act.at))
    now = Life()
    for act in own:
        if act.do in STAGES:
            now = Life(STAGES[act.do], act.by, act.at, act.until, act.cause)
    over = now.stage is Stage.SHELVED and now.until is not None and now.until <= minute
    closed = minute_of(now.at) if now.stage is Stage.CLOSED and now.at is not None else None
    returned = closed is not None and any(sign.raised > closed for sign in incident.signs)
    return replace(Life() if over or returned else now, acts=own)
