"""What people say about the LEAKs of a sensor when they close the incident, and what follows for its detector."""

from dataclasses import dataclass
from enum import Enum

from outliers.findings import End
from outliers.watch.correction import LeakCorrection
from outliers.watch.expectation import Expectation
from outliers.watch.finding_log import FindingLog
from outliers.watch.hourly import gone_since
from outliers.watch.leak_size import DOUBT_SHARE

AHEAD_MIN = 1440  # a closing further in the future comes from a wrong clock


class Said(Enum):
    """What it was, and what is true from now on."""

    REPAIRED = "repaired"  # it was a leak, and the water is back
    ACCEPTED = "accepted"  # it is known and goes on: the usual flow from now on
    FALSE_ALARM = "false-alarm"  # it was none: the usual flow from now on


@dataclass(frozen=True, slots=True)
class Closing:
    """An incident was closed.

    Attributes:
        second: UTC unix second at which it was closed.
        said: as what.
        raised: UTC minutes at which its LEAKs were raised.
        up: whether it was still up then.
    """

    second: int
    said: Said
    raised: tuple[int, ...]
    up: bool

    @property
    def minute(self) -> int:
        return self.second // 60


def taken(minute: int, closing: Closing, log: FindingLog, expectation: Expectation) -> LeakCorrection | None:
    """End what was closed; returns the correction that follows. A closing that was taken before changes nothing."""
    active = log.active
    if closing.second <= active.closed or closing.minute > minute + AHEAD_MIN:
        return None
    active.closed = closing.second
    if closing.said is not Said.FALSE_ALARM:
        active.uncount(minute, closing.raised)
    known = active.known
    if not closing.up or known is None or known.raised > closing.minute:
        return None
    if closing.said is Said.REPAIRED:
        since = gone_since(known, minute // 60, expectation)
        log.end_all(minute, End.REPAIRED, since * 60 if since < minute // 60 else None)
        return LeakCorrection(since, -known.size, -known.by_flicker)
    log.end_all(minute, End.ACCEPTED)
    expectation.accept(minute, DOUBT_SHARE * known.size)
    return None
