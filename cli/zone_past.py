"""`hydrolog sensors past ZONE`: a zone's rows of the time before it was in the settings, from those of its meters."""

from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from psycopg import Cursor

from common import registry
from common.database import Database, statement
from common.errors import HydrologError, NoSuchSensor
from common.settings import Settings
from common.zones import Zone

SLICE = timedelta(days=7)  # of one transaction: ten thousand minutes of each meter


class NoPast(HydrologError):
    """The past of this zone cannot be made."""


def make(chosen: Settings, name: str) -> int:
    """Insert the zone's rows from before its first own one; returns how many are new. It can be repeated.

    Raises:
        NoSuchSensor: the settings have no such zone.
        NoPast: it has no row of its own yet, or it was made by another formula before.
        DatabaseDown: no answer; what is done is done.
    """
    zone = chosen.zones.get(name)
    if zone is None:
        raise NoSuchSensor(f"{name} is no zone of the settings; see [zones]")
    added = 0
    with closing(Database(chosen, "sensors")) as database:
        with database.transaction() as cursor:
            first, until = _span(cursor, chosen.site.id, zone)
        while first < until:
            end = min(first + SLICE, until)
            with database.transaction(registry.MOVE_TIMEOUT_S) as cursor:
                for time in (first, end - timedelta(minutes=1)):
                    cursor.execute("SELECT real_val_partition(%s)", (time,))
                meters, signs = [*zone.signs], [*zone.signs.values()]
                span = {"name": name, "meters": meters, "signs": signs, "first": first, "until": end}
                cursor.execute(statement("zone_past"), {"site": chosen.site.id, **span})
                added += cursor.rowcount
            first = end
    return added


def _span(cursor: Cursor[Any], site: str, zone: Zone) -> tuple[datetime, datetime]:
    """From the newest of the meters' first rows to the zone's first own row: what the producer left out stays out."""
    point = (site, zone.name)
    replaced = cursor.execute("SELECT replaced_at FROM SENSOR_TB WHERE site = %s AND sensor = %s", point).fetchone()
    own = cursor.execute(
        "SELECT min(time) FROM REAL_VAL_TB WHERE site = %s AND sensor = %s AND log_id <> 'history'", point
    ).fetchone()
    if replaced is None or own is None or own[0] is None:
        raise NoPast(f"{zone.name} has no sum yet; wait for its first minute, see: hydrolog check")
    if replaced[0] is not None:
        raise NoPast(f"{zone.name} was another sum before; give the zone a new name to get the past of its meters")
    begun = cursor.execute(
        "SELECT max(first) FROM (SELECT min(time) AS first FROM REAL_VAL_TB "
        "WHERE site = %s AND sensor = ANY (%s) GROUP BY sensor) AS meters",
        (site, [*zone.signs]),
    ).fetchone()
    return (begun[0] if begun and begun[0] is not None else own[0]), own[0]
