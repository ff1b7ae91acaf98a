"""The sites that deliver here, as the database knows them: for the page and the command."""

from datetime import datetime, timedelta

from common.database import Database, statement
from server import queries
from situation import topic
from situation.sites import DeliveringSite, Hearing, hearing, silence_limits

TIMEOUT_S = 10.0
_ORDER = [*Hearing]


def read(
    database: Database, now: datetime, limit: timedelta, only: str | None = None
) -> list[tuple[DeliveringSite, Hearing]]:
    """All of them, the silent ones first, each for as long; those that are heard by name.

    Args:
        limit: a site that was not heard for so long is silent.
        only: one site instead of all.

    Raises:
        DatabaseDown: it does not answer.
    """
    with database.transaction(TIMEOUT_S) as cursor:
        known = [DeliveringSite(*row) for row in cursor.execute(statement("sites_known"), {"site": only})]
        listened = topic.read_through(queries.topic(cursor), now)
    limits = silence_limits(now, listened, limit)
    found = [(site, hearing(site.heard_at, limits)) for site in known]
    return sorted(found, key=_place)


def _place(found: tuple[DeliveringSite, Hearing]) -> tuple[int, float]:
    site, state = found
    return _ORDER.index(state), 0.0 if state is Hearing.HEARD else site.heard_at.timestamp()
