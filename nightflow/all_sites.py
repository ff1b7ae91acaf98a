"""One step of nightflow in a center: the nights of all sites, whose work any number of processes share out.

A site's night is due when the site is complete through it (`SITE_TB.closed_through`), by the clock of its own zone. One
that has stopped is waited for; then its night is reported with what is there, and again when the rest has come. Sites
are taken in the order in which they became due, so none waits for another that is late.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from common.clock import minute_start
from common.database import Database, statement
from common.errors import SiteWorkFailed
from common.logging_setup import quoted
from common.night import CHANGED_NIGHTS, DEFINITION
from common.runner import Context
from common.site_claims import LATE, Claim, Done, SiteClaims
from nightflow.site_nights import Piece, Place, SiteNights
from nightflow.window import Plan, plan_of, ready_through

WORK = "nights"
LOOK_EVERY = timedelta(seconds=15)  # boxes deliver every ten minutes
RENEW_EVERY = timedelta(minutes=1)  # reports of an earlier definition: they are in no hurry
LONGEST = timedelta(days=2)  # to the end of the next night, and `LATE`
WORK_S = 5.0  # real seconds in a step: health is published while many sites are due

_log = logging.getLogger(__name__)


class AllSites:
    """See `common.runner.Worker`."""

    def __init__(self, context: Context) -> None:
        self._settings = context.settings
        self._stop = context.stop
        self._plan = plan_of(context.settings)
        self._database = Database(context.settings, "nightflow")
        self._claims = SiteClaims(self._database, WORK, context.settings.site.zone, LONGEST)
        self._looked: datetime | None = None
        self._is_work_left = False
        self._counts = Counter(sites_done=0, windows_stored=0, windows_again=0, reports=0, renewed=0)
        self._standing: Mapping[str, int] = {}

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Work for the sites that are due and that no other process has, for a few seconds at most.

        Raises:
            DatabaseDown: nothing is lost; a later step does it.
        """
        give_back_s = time.monotonic() + WORK_S
        if self._looked is None or not timedelta(0) <= now - self._looked < LOOK_EVERY:
            self._look(now)
        while self._is_work_left and not self._stop.is_set() and time.monotonic() < give_back_s:
            with contextlib.suppress(SiteWorkFailed):  # said and counted; it waits, and the next one comes
                self._is_work_left = self._work(now)
        return {**self._counts, **self._standing}

    def close(self) -> None:
        self._database.close()

    def _look(self, now: datetime) -> None:
        self._claims.follow(now)
        with self._database.transaction() as cursor:
            values = {"work": WORK, "now": now, "first": now - timedelta(days=CHANGED_NIGHTS)}
            cursor.execute(statement("night_wake").encode(), values)
        self._standing = self._claims.standing(now).counters()
        self._is_work_left, self._looked = True, now

    def _work(self, now: datetime) -> bool:
        """A piece of one site; False if none is due that no other process has."""
        with self._claims.taken(now) as held:
            for claim in held.claims:
                piece, done = self._piece(held.cursor, claim, now)
                held.done(claim, done)
        for claim in held.claims:
            self._counts.update(piece.counts, sites_done=1)
            if piece.counts["reports"] or piece.counts["renewed"]:
                said = " ".join(f"{key}={value}" for key, value in piece.counts.items())
                _log.info("nights site=%s count=%d %s", quoted(claim.site), piece.nights, said)
        return bool(held.claims)

    def _piece(self, cursor: psycopg.Cursor[Any], claim: Claim, now: datetime) -> tuple[Piece, Done]:
        plan = replace(self._plan, zone=claim.zone)
        site = replace(self._settings.site, id=claim.site, timezone=claim.zone.key)
        ready = ready_through(now, claim.closed_through, LATE.total_seconds())
        piece = SiteNights(site, plan).work(cursor, _place(claim, ready), now, ready, claim.closed_through)
        return piece, _done(piece, plan, now, ready)


def _place(claim: Claim, ready: int) -> Place:
    """Where the site's nights are; at their beginning if this version cannot read what is noted.

    What is done beyond `ready` was noted by a wrong clock.
    """
    try:
        place = msgspec.convert(claim.state, Place)
    except msgspec.ValidationError:
        return Place()
    return replace(place, done_through=None if claim.done_through is None else min(claim.done_through, ready))


def _done(piece: Piece, plan: Plan, now: datetime, ready: int) -> Done:
    """When the site is due again: when its next night is complete, or has been waited for."""
    place = piece.place
    state = msgspec.to_builtins(replace(place, done_through=None))
    due = minute_start(plan.first_after(ready).last_window + 1) + LATE
    if place.definition != DEFINITION:
        due = now + RENEW_EVERY
    if piece.more:
        due = now
    complete = ready if place.closed is None else min(ready, place.closed)
    wants = plan.first_after(complete).last_window
    return Done(due, wants, place.done_through, state)
