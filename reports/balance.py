"""The water balance of a zone: what came in by each of its meters, what left, and what remained, used or lost.

Only minutes in which the zone has a sum count, for all of its meters: so the balance comes out even. The others are not
filled in; their number says how much is missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Cursor

from common.database import statement
from common.settings import SiteSettings
from common.zones import Zone


@dataclass(frozen=True, slots=True)
class Balance:
    """Of some minutes; all in m3, none negative unless a meter ran backwards.

    Attributes:
        zone: whose it is.
        passed: what passed each meter, in the order of the formula.
        minutes: with a sum.
    """

    zone: Zone
    passed: tuple[float, ...]
    minutes: int

    @property
    def inflow(self) -> float:
        return sum(volume for volume, sign in zip(self.passed, self.zone.signs.values(), strict=True) if sign > 0)

    @property
    def outflow(self) -> float:
        return sum(volume for volume, sign in zip(self.passed, self.zone.signs.values(), strict=True) if sign < 0)

    @property
    def remained(self) -> float:
        """Inflow minus outflow: what was used in the zone or lost there."""
        return self.inflow - self.outflow


def read(cursor: Cursor[Any], site: SiteSettings, zone: Zone, first: datetime, until: datetime) -> dict[date, Balance]:
    """The balance of each local day from `first` to before `until` that has a minute with a sum."""
    asked = {
        "site": site.id,
        "name": zone.name,
        "meters": [*zone.signs],
        "first": first,
        "until": until,
        "zone": site.zone.key,
    }
    volumes: dict[date, dict[str, float]] = {}
    minutes: dict[date, int] = {}
    for day, sensor, volume, count in cursor.execute(statement("zone_volumes"), asked):
        volumes.setdefault(day, {})[sensor] = volume
        minutes[day] = min(int(count), minutes.get(day, int(count)))
    return {
        day: Balance(zone, tuple(found[sensor] for sensor in zone.signs), minutes[day])
        for day, found in volumes.items()
        if found.keys() == zone.signs.keys()
    }


def summed(balances: Iterable[Balance]) -> Balance | None:
    """Of several days; None without any."""
    days = [*balances]
    if not days:
        return None
    passed = tuple(sum(volumes) for volumes in zip(*(day.passed for day in days), strict=True))
    return Balance(days[0].zone, passed, sum(day.minutes for day in days))
