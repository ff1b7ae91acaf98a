"""What the page of a sensor says of zones: of a zone its water balance and its pressure loggers, of a meter or a logger
the zones of which it is a part."""

import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup

from common.database import Database
from common.errors import DatabaseDown
from common.loggers import area_of
from common.settings import SiteSettings
from common.zones import Zone, zones_of
from reports import balance
from reports.balance import Balance
from server.current import Current
from server.overview import leakage_text
from server.reader import ABSENT, Reader
from server.render import part

KEEP_S = 600.0  # real seconds: a month of a zone is a hundred thousand rows
TIMEOUT_S = 10.0
DAY = timedelta(days=1)

Json = dict[str, Any]
Days = Mapping[date, Balance]


class ZoneParts:
    """The part of the page. Balances of zones that are looked at, of this month and yesterday, are read once in ten
    minutes."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._known: dict[str, tuple[float, Days]] = {}  # zone -> until when, and its days

    async def part(self, sensor: str, state: Json, nights: Mapping[str, Json], reader: Reader) -> Markup:
        """Live; empty for a sensor of no zone."""
        zones, areas = self._current.settings.zones, self._current.settings.loggers
        zone, whole, area = zones.get(sensor), zones_of(sensor, zones), area_of(sensor, areas)
        shown = None if zone is None else balance_shown(zone, await self._days(zone), state, nights, reader)
        named = [{"name": one.name, "comes_in": one.signs[sensor] > 0} for one in whole]
        loggers = loggers_shown(areas[sensor].loggers, state) if sensor in areas else []
        return part("parts/zone.html", reader, zone=shown, parts_of=named, area=area, loggers=loggers)

    async def _days(self, zone: Zone) -> Days:
        """None while the database does not answer."""
        until_s, days = self._known.get(zone.name, (-1.0, {}))
        if until_s < time.monotonic():
            site = self._current.settings.site
            now = self._current.clock.now().astimezone(site.zone)
            days = await self._current.ask(lambda database: _read(database, site, zone, now))
            self._known[zone.name] = (time.monotonic() + KEEP_S, days)
        return days


def _read(database: Database, site: SiteSettings, zone: Zone, now: datetime) -> Days:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = min(today.replace(day=1), today - DAY)
    try:
        with database.transaction(TIMEOUT_S) as cursor:
            return balance.read(cursor, site, zone, first, now)
    except DatabaseDown:
        return {}


def loggers_shown(loggers: Iterable[str], state: Json) -> list[Json]:
    """The loggers of a zone, with their pressure of now, None where it is not known."""
    now: Json = {entry["sensor"]: entry for entry in state["sensors"]}
    found = [(logger, now.get(logger, {})) for logger in loggers]
    return [{"sensor": each, "label": of.get("name") or "", "pressure": of.get("pressure")} for each, of in found]


def balance_shown(zone: Zone, days: Days, state: Json, nights: Mapping[str, Json], reader: Reader) -> Json:
    """The table of the balance: today, yesterday, and this month so far."""
    today = reader.local(state["now"]).date()
    spans = [balance.summed([days[day]] if day in days else []) for day in (today, today - DAY)] + [
        balance.summed(found for day, found in days.items() if day.replace(day=1) == today.replace(day=1))
    ]
    now = {entry["sensor"]: entry for entry in state["sensors"]}
    rows = [
        {
            "sensor": sensor,
            "label": now.get(sensor, {}).get("name") or "",
            "sign": sign,
            "flow": reader.figure("flow", now.get(sensor, {}).get("flow")),
            "volumes": [ABSENT if span is None else reader.count(round(span.passed[place])) for span in spans],
        }
        for place, (sensor, sign) in enumerate(zone.signs.items())
    ]
    night = nights.get(zone.name)
    return {
        "formula": zone.formula,
        "rows": rows,
        "flow": reader.figure("flow", now.get(zone.name, {}).get("flow")),
        "remained": [ABSENT if span is None else reader.count(round(span.remained)) for span in spans],
        "minutes": [ABSENT if span is None else reader.count(span.minutes) for span in spans],
        "night_flow": reader.figure("flow", night["hour_flow"] if night else None),
        "leakage": leakage_text(night, reader),
    }
