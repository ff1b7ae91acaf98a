"""`hydrolog sites zone`: by which clock a site of the center has its nights and its hours."""

from common import settings_checks
from common.database import changing
from common.errors import SettingsError
from common.settings import Settings

DEFAULT = "default"
TIMEOUT_S = 30.0


def set_zone(chosen: Settings, site: str, zone: str | None) -> str:
    """Set a site's time zone, or see it (None); returns what it is, in words.

    Raises:
        SettingsError: no such site, or no such zone.
        DatabaseDown: nothing has changed.
    """
    if zone is not None and zone != DEFAULT and (problem := settings_checks.time_zone(zone)):
        raise SettingsError("ZONE", problem)
    with changing(chosen, "sites", TIMEOUT_S) as cursor:
        if zone is not None:
            new = {"site": site, "zone": None if zone == DEFAULT else zone}
            cursor.execute("UPDATE SITE_TB SET timezone = %(zone)s WHERE site = %(site)s", new)
            cursor.execute("UPDATE SITE_WORK_TB SET next_at = least(next_at, now()) WHERE site = %(site)s", new)
        found = cursor.execute("SELECT timezone FROM SITE_TB WHERE site = %s", (site,)).fetchone()
    if found is None:
        raise SettingsError("SITE", f"{site} has not delivered here; see: hydrolog sites heard")
    return f"{site} has the clock of {found[0] or f'{chosen.site.timezone} (default)'}"
