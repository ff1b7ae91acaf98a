"""The sites of a center, as the forecasts know them: id, zone and holidays."""

from __future__ import annotations

import dataclasses
import functools
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from common.database import Database, statement
from common.settings import SiteSettings
from common.settings_checks import time_zone
from forecaster import holidays

GONE = timedelta(days=7)  # a site that was not heard of for so long is not forecast


def as_settings(center: SiteSettings, site: str, zone: ZoneInfo) -> SiteSettings:
    """A site of the center as if it were the one of a box; the rest is as the center has it."""
    return dataclasses.replace(center, id=site, timezone=zone.key)


def of_center(database: Database, center: SiteSettings, now: datetime) -> list[SiteSettings]:
    """The sites that are there now, in an order that stays when others come."""
    with database.transaction() as cursor:
        cursor.execute(statement("forecast_sites"), {"since": now - GONE})
        found = cursor.fetchall()
    zones = {name: center.zone if name is None or time_zone(name) else ZoneInfo(name) for _, name in found}
    return [as_settings(center, site, zones[name]) for site, name in found]


def holidays_of(center: SiteSettings, site: SiteSettings, data: Path, now: datetime) -> frozenset[int]:
    """The dates of `criteria/holidays.txt`; and the public holidays of the center's country, where the site is in the
    center's zone."""
    own = holidays.of_site(data)
    if center.country and site.timezone == center.timezone:
        return own | _public(center.country, now.year)
    return own


@functools.lru_cache(maxsize=4)
def _public(country: str, year: int) -> frozenset[int]:
    return holidays.of_country(country, range(year - 2, year + 2))
