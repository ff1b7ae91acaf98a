"""The sites that deliver to this one: which are heard, and which are silent. Pure."""

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

GONE = timedelta(days=7)  # a box that has been silent for so long has been taken away


class Hearing(Enum):
    """Of a site, the worst first."""

    SILENT = "silent"
    UNKNOWN = "unknown"  # of a topic that is not read nobody knows who is silent
    HEARD = "heard"
    GONE = "gone"


class DeliveringSite(NamedTuple):
    """A site as the database knows it.

    Attributes:
        heard_at: when its newest batch came.
        closed_through: all rows of this minute and of those before are here; None = not known.
    """

    site: str
    heard_at: datetime
    closed_through: datetime | None


def hearing(site: DeliveringSite, now: datetime, listened: datetime, limit: timedelta) -> Hearing:
    """How a site is heard.

    Args:
        listened: all that came until then is known; earlier than `now` while a topic is read late.
        limit: a site that was not heard for so long is silent.
    """
    if now - site.heard_at >= GONE:
        return Hearing.GONE
    if now - site.heard_at < limit:
        return Hearing.HEARD
    return Hearing.SILENT if listened - site.heard_at >= limit else Hearing.UNKNOWN
