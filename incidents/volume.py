"""What a leak has lost: added up from its sizes; and cut at its end, which is noticed later than the flow falls."""

from itertools import pairwise

from msgspec.structs import replace

from incidents.incident import Incident, Lost, Size

SURE_SHARE = 0.15  # of a size: with a larger error it is not called the largest so far
STEP_MIN = 60  # between two volumes that are kept: about how exactly an end is known
KEPT = 48  # of them: an end is seldom noticed later than after two days


def add(incident: Incident, size: Size) -> None:
    """What leaks now; it adds to the volume what has leaked since the last size, since its return, or in all."""
    since = incident.began
    if incident.size is not None:
        since = max(incident.size.minute, min((sign.since for sign in incident.up), default=since))
    more = max(0.0, size.flow_m3h) * max(0, size.minute - since) / 60
    volume = round((incident.volume_m3 or 0.0) + more, 2)
    incident.size, incident.volume_m3 = size, volume
    if size.error_m3h <= SURE_SHARE * size.flow_m3h:
        incident.largest_m3h = max(size.flow_m3h, incident.largest_m3h or 0.0)
    if not incident.course or size.minute - incident.course[-1].minute >= STEP_MIN:
        incident.course = [*incident.course, Lost(size.minute, volume)][-KEPT:]


def forget_after(incident: Incident, minute: int) -> None:
    """A wrong clock made what is later than this minute: the volume is that of before, and goes on from there."""
    if incident.size is None or incident.size.minute <= minute:
        return
    incident.course = [lost for lost in incident.course if lost.minute <= minute]
    if incident.course:
        last = incident.course[-1]
        incident.size, incident.volume_m3 = replace(incident.size, minute=last.minute), last.volume_m3
    else:  # the next size counts from the beginning
        incident.size = incident.volume_m3 = incident.largest_m3h = None


def end(incident: Incident, minute: int) -> None:
    """It was over at UTC `minute`: what was counted since then was not lost."""
    if incident.size is not None and incident.volume_m3 is not None:
        newest = Lost(incident.size.minute, incident.volume_m3)
        incident.volume_m3 = _at(minute, [Lost(incident.began, 0.0), *incident.course, newest])
    incident.course = []


def _at(minute: int, course: list[Lost]) -> float:
    for one, other in pairwise(course):
        if one.minute <= minute < other.minute:
            share = (minute - one.minute) / (other.minute - one.minute)
            return round(one.volume_m3 + share * (other.volume_m3 - one.volume_m3), 2)
    return course[-1].volume_m3
