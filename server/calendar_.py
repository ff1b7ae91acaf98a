"""The calendar on the page: the files read again when they have changed, and what of them matters now."""

from datetime import datetime
from typing import Any

from common.clock import minute_of
from common.occasions import Followed, Occasions
from common.settings import Settings

SHOWN_AHEAD_MIN, SHOWN_AFTER_MIN = 7 * 1440, 1440
MOST_SHOWN = 20


class Calendar:
    """Planned work and holidays of a data folder."""

    def __init__(self, settings: Settings) -> None:
        self._followed = Followed(settings.paths.data, settings.site.zone)

    def now(self) -> Occasions:
        return self._followed.now()

    def shown(self, now: datetime) -> dict[str, Any]:
        """The works of the week to come and of yesterday, and the lines that were not understood."""
        minute, known = minute_of(now), self.now()
        near = [w for w in known.works if w.first <= minute + SHOWN_AHEAD_MIN and w.end >= minute - SHOWN_AFTER_MIN]
        return {
            "works": [
                {"sensor": work.sensor, "first": work.first * 60, "end": work.end * 60, "what": work.what}
                for work in sorted(near, key=lambda work: work.first)[:MOST_SHOWN]
            ],
            "problems": list(known.problems[:MOST_SHOWN]),
        }
