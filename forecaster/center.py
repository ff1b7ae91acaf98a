"""A center: the forecasts of all its sites, by any number of processes, each site and hour by one of them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.clock import minute_of
from common.database import Database, statement
from common.errors import SiteWorkFailed
from common.settings import Settings
from common.site_claims import Claim, Done, SiteClaims
from forecaster import center_sites
from forecaster.dataset import start_of_hour
from forecaster.kept import KeptInDatabase
from forecaster.models import Models
from forecaster.shared_models import SharedModels
from forecaster.site_hour import HOUR, SiteHour
from forecaster.trainer import Trainer, is_over

WORK = "forecast"
PATIENCE = timedelta(minutes=15)  # for the last minutes of the hour: boxes send within five minutes of the tenth minute
LONGEST = timedelta(hours=2)  # that a site waits: for the end of the next hour, and `PATIENCE`
FOLLOW_EVERY = timedelta(seconds=10)  # which sites have come, or are complete
LOOK_EVERY = timedelta(minutes=1)  # for new weights, whether to learn, and what can be forgotten
STEP_S = 5.0  # of one step, so that the process says in time how it is


class CenterForecaster:
    """The worker of a center's forecaster process. `step(now)` makes the forecasts that are due, for some seconds.

    An hour that has passed is not made up for: the boxes have made it themselves, and no row waits for it here."""

    def __init__(self, settings: Settings, trainer: Trainer | None, stop: threading.Event) -> None:
        """Without a trainer nothing is trained here; other processes may. `stop`: no other site is begun."""
        self._settings = settings
        self._stop = stop
        self._trainer = trainer
        self._database = Database(settings, "forecaster")
        self._claims = SiteClaims(self._database, WORK, settings.site.zone, LONGEST)
        self._shared = SharedModels(self._database, settings.paths.data)
        self._models = Models(settings.paths.data, settings.site.id)
        self._followed = self._looked = datetime.min.replace(tzinfo=UTC)
        self._counters: dict[str, Any] = {"hours": 0, "lines": 0}

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Make what is due, and say how the sites stand.

        Raises:
            DatabaseDown: it is made when the database is back."""
        if not self._followed <= now < self._followed + FOLLOW_EVERY:
            self._claims.follow(now)
            self._counters |= self._claims.standing(now).counters()
            self._followed = now
        if not self._looked <= now < self._looked + LOOK_EVERY:
            self._shared.fetch()
            with self._database.transaction() as cursor:
                cursor.execute(statement("forecast_gone"))
            if self._trainer:
                self._counters |= self._trainer.look(now, lambda: self._training_is_due(now))
            self._looked = now
        end_s, is_work_left = time.monotonic() + STEP_S, True
        while is_work_left and not self._stop.is_set():
            with contextlib.suppress(SiteWorkFailed):  # said and counted; it waits, and the next one comes
                is_work_left = self._one(now)
            is_work_left = is_work_left and time.monotonic() < end_s
        return self._counters

    def _one(self, now: datetime) -> bool:
        """One site's hour, or a portion of its history; whether there was one."""
        with self._claims.taken(now) as held:
            for claim in held.claims:
                held.done(claim, self._work(claim, now))
        return bool(held.claims)

    def _work(self, claim: Claim, now: datetime) -> Done:
        settings = self._settings
        hour = start_of_hour(now, claim.zone).astimezone(UTC)
        if claim.heard_at < now - center_sites.GONE:
            return _next(hour, claim.done_through)
        if claim.done_through is not None and minute_of(hour) <= claim.done_through <= minute_of(hour + HOUR):
            return _next(hour, claim.done_through)
        last = minute_of(hour) - 1
        is_complete = claim.closed_through is not None and claim.closed_through >= last
        if not is_complete and now < hour + PATIENCE:
            return Done(hour + PATIENCE, wants_through=last, done_through=claim.done_through)
        site = center_sites.as_settings(settings.site, claim.site, claim.zone)
        days = center_sites.holidays_of(settings.site, site, settings.paths.data, now)
        horizon = settings.forecast.horizon_hours
        hours = SiteHour(self._database, site, KeptInDatabase(self._database, site), horizon=horizon)
        made = hours.make(hour, hour, now, self._models.newest(), days)
        if made is None:
            return Done(now, done_through=claim.done_through)
        self._counters["hours"] += 1
        self._counters["lines"] += len(made[0])
        return _next(hour, minute_of(hour))

    def _training_is_due(self, now: datetime) -> bool:
        last, is_running = self._shared.last()
        return not is_running and is_over(last, self._settings.paths.data, now)

    def close(self) -> None:
        """End a training of ours and the connection."""
        if self._trainer:
            self._trainer.close()
        self._database.close()


def _next(hour: datetime, done_through: int | None) -> Done:
    """The hour after this one: when it is complete, or when nobody waits for it any longer."""
    after = hour + HOUR
    return Done(after + PATIENCE, wants_through=minute_of(after) - 1, done_through=done_through)
