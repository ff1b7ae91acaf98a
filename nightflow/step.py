"""One step of nightflow on a box: check what has arrived, write due windows, compute reports of ended nights.

What is written, and when again, `site_nights` says. Here is what only a box has: the mark of its producer, the file
with the last night's figures, the holidays of its calendar, and the learning of its criteria.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from common import database
from common.clock import minute_start
from common.errors import HydrologError
from common.logging_setup import quoted
from common.night import DAY_MINUTES
from common.runner import Context
from log import mark, roles
from nightflow import country_days, report
from nightflow.arrival import Arrival
from nightflow.learner import Learning
from nightflow.site_nights import RECENT_DAYS, Place, Reports, SiteNights
from nightflow.window import Night, plan_of, ready_through
from outliers import calendar
from outliers.calendar import Work

ARCHIVE = "archive"
LOOK_EVERY = timedelta(minutes=1)  # rows come once a minute; more frequent checks find nothing new
FAR_BEHIND_ROWS = 1000  # after a larger lag the archive may have filled older nights
CAUGHT_UP_ROWS = 100  # the remaining rows belong to the recent nights

_log = logging.getLogger(__name__)


class NightFlow:
    """The worker. It reads two small files and the database, and writes only its own tables and night_state.json."""

    def __init__(self, context: Context, committed: Callable[[], int | None] | None = None) -> None:
        self._data = context.data
        self._stop = context.stop
        self._grace_s = context.settings.night.grace_seconds
        self._plan = plan_of(context.settings)
        self._zones = context.settings.zones
        self._database = database.Database(context.settings, "nightflow")
        self._committed = committed or (lambda: roles.committed(context.settings, ARCHIVE))
        self._arrival = Arrival()
        self._was_far_behind = False
        self._nights = SiteNights(context.settings.site, self._plan, zones=self._zones, works=self._works)
        self._place = Place()
        self._looked: tuple[datetime, int | None] | None = None  # time and newest window of the last check
        self._learning = Learning(context)
        self._published = report.published(context.data)
        self._country: str | None = context.settings.site.country  # None: its holidays are written
        self._counters = Counter(windows_stored=0, windows_again=0, reports=0, renewed=0)

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Write what is due at `now`; returns the counters.

        Raises:
            DatabaseDown: nothing is lost; a later step does it.
        """
        self._write_holidays()
        newest_mark = mark.load(self._data)
        if self._arrival.needs_look(newest_mark):
            self._arrival.look(newest_mark, self._committed())
        self._was_far_behind |= self._arrival.lag_rows > FAR_BEHIND_ROWS
        ready = ready_through(now, self._arrival.in_through, self._grace_s)
        newest = self._newest_window(ready)
        if self._is_time_to_look(now, newest) and self._refresh(now, ready):
            self._looked = (now, newest)
        if self._learning.wants_look(now):
            with self._database.transaction() as cursor:
                self._learning.plan(now, cursor)
        learning = self._learning.look(now)
        return {
            **self._counters,
            "last_window": minute_start(newest).isoformat() if newest is not None else "",
            "archive_lag_rows": self._arrival.lag_rows,
            **learning,
        }

    def _write_holidays(self) -> None:
        """Once after the start; a problem is said and costs nothing else."""
        if self._country is None:
            return
        country, self._country = self._country, None
        try:
            if country_days.refresh(self._data, country):
                _log.info("holidays_written country=%s", country)
        except (HydrologError, OSError) as error:
            _log.warning("holidays_not_written problem=%s", quoted(error))

    def close(self) -> None:
        self._learning.close()
        self._database.close()

    def _is_time_to_look(self, now: datetime, newest: int | None) -> bool:
        if self._looked is None:
            return True
        looked_at, looked_newest = self._looked
        return newest != looked_newest or not timedelta(0) <= now - looked_at < LOOK_EVERY

    def _newest_window(self, ready: int) -> int | None:
        """The last T that is due when `ready` is the last minute that may be stored."""
        return max((w for night in self._recent_nights(ready) for w in night.windows if w <= ready), default=None)

    def _recent_nights(self, ready: int) -> list[Night]:
        return list(self._plan.nights(ready - RECENT_DAYS * DAY_MINUTES, ready))

    def _refresh(self, now: datetime, ready: int) -> bool:
        """Write windows and reports of the nights to check, oldest first; False if stopped meanwhile."""
        caught_up = self._was_far_behind and self._arrival.lag_rows <= CAUGHT_UP_ROWS
        if caught_up:
            self._place = replace(self._place, done_through=None)
            self._was_far_behind = False
        before, nights, more = self._counters.copy(), 0, True
        while more:
            if self._stop.is_set():
                return False
            with self._database.transaction() as cursor:
                piece = self._nights.work(cursor, self._place, now, ready)
            self._place, more = piece.place, piece.more
            self._counters.update(piece.counts)
            nights += piece.nights
            self._publish(piece.reports, now, ready, is_last=not more)
        self._say(self._counters - before, nights)
        return True

    def _publish(self, reports: Mapping[date, Reports], now: datetime, ready: int, *, is_last: bool) -> None:
        """The figures of the last night that is over into their file: if they are new, or not in it yet."""
        over = [night for night in self._recent_nights(ready) if night.last_window <= ready]
        if not over:
            return
        night = over[-1]
        found = reports.get(night.date)
        if found is None and is_last and self._published != night.date:
            with self._database.transaction() as cursor:
                found = self._nights.report(cursor, night, now)
            self._counters["reports"] += len(found)
        if found:
            report.publish(self._data, night.date, found, now)
            self._published = night.date

    def _works(self) -> Sequence[Work]:
        return calendar.load(self._data, self._plan.zone, self._zones).works

    def _say(self, done: Mapping[str, int], nights: int) -> None:
        """One log line for a check that recomputed something, ended a night, or covered more than the recent nights."""
        if any(key != "windows_stored" for key in done) or nights > RECENT_DAYS + 1:
            said = " ".join(f"{key}={done.get(key, 0)}" for key in self._counters)
            _log.info("nights count=%d %s", nights, said)
