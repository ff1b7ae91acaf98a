"""A leak in a zone shows at the zone and at the meters where its water comes in: one leak, told once.

Each point has its incident; all but one are *joined* to the leading one, which alone is told. The worst leads, then the
one that has been told, then the earlier one. An outlet's leak lies beyond the zone, whose sum does not show it.
"""

from collections.abc import Sequence

from common.zones import Zones
from incidents.incident import Incident
from incidents.one_trouble import OUTLASTS_MIN
from outliers.flags import LEAK, WORST_FIRST

SAME_MIN = 1440  # a leak's beginning is known to about a day, and differs as much between two points


class OneLeak:
    """Joins the leaks of zones and their inlets."""

    def __init__(self, zones: Zones) -> None:
        self._near: dict[str, set[str]] = {}  # zone -> inlets, inlet -> zones
        for zone in zones.values():
            for inlet in zone.inlets:
                self._near.setdefault(zone.name, set()).add(inlet)
                self._near.setdefault(inlet, set()).add(zone.name)

    def join(self, incident: Incident, incidents: Sequence[Incident]) -> None:
        """A sign was raised: `incident` follows what leads nearby, or leads it now."""
        if incident.kind != LEAK:
            incident.joined = ""
            return
        near = [one for one in incidents if self._is_near(one, incident)]
        told = {one.joined for one in near}
        group = [one for one in incidents if one in near or (one.id in told and one.ended is None)]
        group += [] if incident in group else [incident]
        first = min(group, key=_precedence)
        ids = {one.id for one in group}
        for one in incidents:
            if one.id in ids or one.joined in ids:
                one.joined = "" if one is first else first.id

    def _is_near(self, other: Incident, incident: Incident) -> bool:
        alike = other.kind == LEAK and other.ended is None and abs(other.began - incident.began) <= SAME_MIN
        return alike and other.sensor in self._near.get(incident.sensor, ())

    def part(self, incidents: Sequence[Incident], minute: int) -> bool:
        """Whatever outlasts the leak to which it was joined is a trouble of its own, and a leak is not hidden behind a
        watch; True if something has changed."""
        by_id = {one.id: one for one in incidents}
        before = {one.id: one.joined for one in incidents if one.joined}
        for one in incidents:
            if not one.joined or one.ended is not None:
                continue
            leading = by_id.get(one.joined)
            if leading is None or not _holds(leading, minute):
                one.joined = ""
            elif leading.ended is None and _rank(one) < _rank(leading):
                self.join(one, incidents)
        return before != {one.id: one.joined for one in incidents if one.joined}


def _precedence(one: Incident) -> tuple[int, bool, int]:
    return _rank(one), bool(one.joined), one.raised


def _rank(one: Incident) -> int:
    return WORST_FIRST.index(one.severity)


def _holds(leading: Incident, minute: int) -> bool:
    """Whether an incident still leads those that are joined to it."""
    return leading.kind == LEAK and (leading.over_told is None or minute - leading.over_told < OUTLASTS_MIN)
