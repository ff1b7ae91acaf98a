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


class SilenceLimits(NamedTuple):
    """Until when a site was heard last that is gone, that is silent, or that is not heard; the first that fits."""

    gone: datetime
    silent: datetime
    unheard: datetime


def silence_limits(
    now: datetime, listened: datetime | None, limit: timedelta, since: datetime | None = None
) -> SilenceLimits:
    """The one definition of silence.

    Args:
        listened: all that came until then is known; earlier than `now` while a topic is read late, None if not known.
        limit: a site that was not heard for so long is silent.
        since: whoever asks has not listened before: until it has listened for `limit`, none is silent.
    """
    gone = now - GONE
    silent = gone if listened is None else max(gone, min(now, listened) - limit)
    too_soon = since is not None and since > silent
    return SilenceLimits(gone, gone if too_soon else silent, now - limit)


def hearing(heard_at: datetime, limits: SilenceLimits) -> Hearing:
    """How a site is heard whose newest batch came at `heard_at`."""
    if heard_at <= limits.gone:
        return Hearing.GONE
    if heard_at <= limits.silent:
        return Hearing.SILENT
    return Hearing.UNKNOWN if heard_at <= limits.unheard else Hearing.HEARD
