"""One step of nightflow: check what has arrived, write due windows, compute reports of ended nights.

All state is in the tables. Every check covers the last two nights and writes windows that are missing or have new late
rows. At start, when the registered sensors change, and after the archive has caught up from far behind, one sweep
covers all nights with rows. So nothing else is needed after a kill or an outage. After an update, reports by an earlier
definition are made anew, some in each check; each says by which definition it was made. After people have changed what
is known of a sensor, the next check makes the last nights anew.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from common import database
from common.clock import minute_start
from common.errors import HydrologError
from common.logging_setup import quoted
from common.night import CHANGED_NIGHTS, DAY_MINUTES
from common.runner import Context
from log import mark, roles
from nightflow import country_days, means, report
from nightflow.arrival import Arrival
from nightflow.leakage import Leakage
from nightflow.learner import Learning
from nightflow.window import Night, plan_of, ready_through
from outliers import calendar
from outliers.calendar import Work

ARCHIVE = "archive"
KEEP_DAYS = 365  # retention of REAL_VAL_TB: there are no older rows
RENEWED_NIGHTS = 10  # in one check: a year takes half an hour, and a check stays short
RECENT_DAYS = 2  # nights covered by every check: late rows come within days
LOOK_EVERY = timedelta(minutes=1)  # rows come once a minute; more frequent checks find nothing new
FAR_BEHIND_ROWS = 1000  # after a larger lag the archive may have filled older nights
CAUGHT_UP_ROWS = 100  # the remaining rows belong to the recent nights

_log = logging.getLogger(__name__)


class NightFlow:
    """The worker. It reads two small files and the database, and writes only its own tables and night_state.json."""

    def __init__(self, context: Context, committed: Callable[[], int | None] | None = None) -> None:
        roles.needs_file(context.settings)
        self._data = context.data
        self._site = context.settings.site
        self._stop = context.stop
        self._grace_s = context.settings.night.grace_seconds
        self._plan = plan_of(context.settings)
        self._zones = context.settings.zones
        self._database = database.Database(context.settings, "nightflow")
        self._committed = committed or (lambda: roles.committed(context.settings, ARCHIVE))
        self._arrival = Arrival()
        self._was_far_behind = False
        self._sensors: frozenset[str] | None = None  # at the last complete check; None makes the first one a sweep
        self._looked: tuple[datetime, int | None] | None = None  # time and newest window of the last check
        self._learning = Learning(context)
        self._published = report.published(context.data)
        self._country: str | None = context.settings.site.country  # None: its holidays are written
        self._renewed_through: date | None = date.min  # None: there is no more report by an earlier definition
        self._changed: datetime | None = None  # the last change of what is known of the sensors that was followed
        self._counters = {"windows_stored": 0, "windows_again": 0, "reports": 0, "renewed": 0}

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
        nights = self._recent_nights(ready)
        over = [night for night in nights if night.last_window <= ready]
        last_over = over[-1] if over else None
        with self._database.transaction() as cursor:
            sensors = means.registered(cursor, self._site.id)
            if caught_up or sensors != self._sensors:
                oldest = means.first_row_minute(cursor, self._site.id)
                if oldest is not None:
                    nights = list(self._plan.nights(max(oldest, ready - KEEP_DAYS * DAY_MINUTES), ready))
        before = dict(self._counters)
        self._renew(now)
        self._renew_changed(now)
        grown = False  # later reports are compared with a changed night
        for night in nights:
            if self._stop.is_set():
                return False
            grown |= self._refresh_night(night, now, ready, again=grown, is_last=night == last_over)
        self._say(before, len(nights))
        self._sensors = sensors
        self._was_far_behind &= not caught_up
        return True

    def _renew(self, now: datetime) -> None:
        """Make some reports by an earlier definition anew, oldest first. One whose rows are gone stays."""
        oldest = now.date() - timedelta(days=KEEP_DAYS)
        works = self._works()
        for _ in range(RENEWED_NIGHTS):
            if self._renewed_through is None or self._stop.is_set():
                return
            with self._database.transaction() as cursor:
                nights = report.oldest_to_renew(cursor, self._site.id, max(oldest, self._renewed_through))
                for night in nights:
                    self._counters["renewed"] += len(self._report(cursor, self._plan.night(night), now, works))
            self._renewed_through = nights[0] if nights else None
            if self._published in nights:
                self._published = None

    def _renew_changed(self, now: datetime) -> None:
        """After people have changed what is known of a sensor, make the reports of the last nights anew."""
        with self._database.transaction() as cursor:
            changed, first = report.changed_at(cursor, self._site.id, now), now - timedelta(days=CHANGED_NIGHTS)
            if changed is None or changed == self._changed or changed < first:
                return
            nights = report.since(cursor, self._site.id, first.astimezone(self._plan.zone).date())
        works = self._works()
        for night in nights:
            if self._stop.is_set():
                return
            with self._database.transaction() as cursor:
                self._counters["renewed"] += len(self._report(cursor, self._plan.night(night), now, works))
        if self._published in nights:
            self._published = None
        self._changed = changed

    def _refresh_night(self, night: Night, now: datetime, ready: int, *, again: bool, is_last: bool) -> bool:
        """One night in one transaction: its windows, and its report if it is over; True if a window was written."""
        reports = None
        with self._database.transaction() as cursor:
            due = [window for window in night.windows if window <= ready]
            stored = means.store(cursor, self._site.id, due, now)
            if night.last_window <= ready:
                unpublished = is_last and self._published != night.date
                if stored or again or unpublished or report.is_missing(cursor, self._site.id, night):
                    reports = self._report(cursor, night, now, self._works())
        written_again = sum(window.again for window in stored)
        self._counters["windows_stored"] += len(stored) - written_again
        self._counters["windows_again"] += written_again
        if reports:
            self._counters["reports"] += len(reports)
            if is_last:
                report.publish(self._data, night.date, reports, now)
                self._published = night.date
        return bool(stored)

    def _works(self) -> Sequence[Work]:
        return calendar.load(self._data, self._plan.zone, self._zones).works

    def _report(
        self, cursor: psycopg.Cursor[Any], night: Night, now: datetime, works: Sequence[Work]
    ) -> dict[str, Leakage]:
        return report.store(cursor, self._site, night, now, works, zones=self._zones)

    def _say(self, before: Mapping[str, int], nights: int) -> None:
        """One log line for a check that recomputed something, ended a night, or covered more than the recent nights."""
        done = {key: value - before[key] for key, value in self._counters.items()}
        if done["windows_again"] or done["reports"] or done["renewed"] or nights > RECENT_DAYS + 1:
            _log.info("nights count=%d %s", nights, " ".join(f"{key}={value}" for key, value in done.items()))


def build(context: Context) -> NightFlow:
    """The worker for the runner.

    Raises:
        SettingsError: the times in [night] do not define a night.
    """
    return NightFlow(context)
