"""Who works for which site of a center: any number of processes on any machines, each site once.

A process takes sites by locking their rows of `SITE_WORK_TB` and passing over those that others hold. It does the work
and notes it in the same transaction: so what two might do at once is done by one, and a process that is killed leaves
neither half a work nor a site that nobody may take. The database gives a site free when its holder's connection ends:
at once after a kill, within `IDLE_S` where the holder stands still or its network is cut.

A transaction is for a short piece of work, at most a few seconds: an open one keeps the database from cleaning up. What
takes longer is cut into pieces, each with its place in `done_through` or `state`. If one is ended all the same, the
site waits like one whose work fails: it is the longest due, and would be taken before all others for ever.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Cursor
from psycopg.types.json import Jsonb

from common.clock import minute_if_known, start_if_known
from common.database import Database, note, statement
from common.errors import CutShort, DatabaseDown, DatabaseRefuses, SiteWorkFailed
from common.logging_setup import quoted
from common.settings_checks import time_zone

IDLE_S = 60  # without a word to the database in the middle of the work; the work of a site takes a part of that
FIRST_WAIT_S, LONGEST_WAIT_S = 60, 3600  # of a site whose work failed
OVERDUE = timedelta(minutes=15)  # due for longer: too few processes, or none
LATE = timedelta(hours=3)  # after the minute that a work waits for: the site does not deliver

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A site that this process holds to the end of the transaction. Minutes are UTC; None: not known, or not yet."""

    site: str
    zone: ZoneInfo
    heard_at: datetime
    closed_through: int | None  # all its rows of this minute and of those before are in the database
    done_through: int | None  # as this kind of work noted it
    done_at: datetime | None
    failed: int = 0  # attempts in a row
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What is noted of a site after the work.

    Attributes:
        next_at: when it is due again.
        wants_through: it is due as soon as the site is complete through this minute.
        done_through: the minute up to which nothing is left to do.
        state: what the work wants to know the next time; small.
    """

    next_at: datetime
    wants_through: int | None = None
    done_through: int | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the sites of a kind of work stand: how many there are, are due, `OVERDUE`, failed, `LATE`."""

    sites: int
    due: int
    overdue: int
    failed: int
    late: int

    def counters(self) -> dict[str, int]:
        """For the health of a process."""
        of_some = {f"sites_{name}": getattr(self, name) for name in ("due", "overdue", "failed", "late")}
        return {"sites": self.sites, **of_some}


class Held:
    """The sites of one transaction."""

    def __init__(self, cursor: Cursor[Any], work: str, now: datetime, claims: list[Claim]) -> None:
        self.cursor = cursor
        self.claims = claims
        self._work = work
        self._now = now

    def done(self, claim: Claim, done: Done) -> None:
        """Note it, in the transaction of the work."""
        values = {
            "work": self._work,
            "site": claim.site,
            "now": self._now,
            "next_at": done.next_at,
            "wants_through": start_if_known(done.wants_through),
            "done_through": start_if_known(done.done_through),
            "state": Jsonb(dict(done.state), dumps=lambda value: json.dumps(value, ensure_ascii=False)),
        }
        self.cursor.execute(statement("claim_done").encode(), values)


class SiteClaims:
    """The sites of one kind of work."""

    def __init__(
        self, database: Database, work: str, zone: ZoneInfo, longest: timedelta, *, idle_s: float = IDLE_S
    ) -> None:
        """Nothing is taken yet.

        Args:
            work: its name, the same in every process that does it.
            zone: of sites whose own is not known.
            longest: what is not due for longer was noted by a wrong clock, and is due.
            idle_s: how long the database waits for a word of a holder that stands still.
        """
        self._database = database
        self._work = work
        self._zone = zone
        self._longest = longest
        self._idle_s = idle_s
        self._zones: dict[str, ZoneInfo] = {}

    def follow(self, now: datetime) -> None:
        """See which sites have come, gone, or become complete through the minute that they wait for. Now and then.

        Raises:
            DatabaseDown: see `Database.transaction`.
        """
        values = {"work": self._work, "now": now, "longest": self._longest}
        with self._database.transaction() as cursor:
            for name in ("claim_come", "claim_go", "claim_wake"):
                cursor.execute(statement(name).encode(), values)

    def standing(self, now: datetime) -> Standing:
        """How the sites stand.

        Raises:
            DatabaseDown: see `Database.transaction`.
        """
        values = {"work": self._work, "now": now, "overdue": OVERDUE, "late": LATE}
        with self._database.transaction() as cursor:
            (row,) = cursor.execute(statement("claim_state").encode(), values).fetchall()
        return Standing(*row)

    @contextmanager
    def taken(self, now: datetime, most: int = 1) -> Iterator[Held]:
        """A transaction with up to `most` sites that are due; none if nothing is due that nobody else holds.

        Each claim must be noted as done. If the body fails, nothing of it counts, and its sites wait for a while: the
        others get their turn.

        Raises:
            DatabaseDown: nothing counts, and no site has to wait for it.
            SiteWorkFailed: the database refuses what the body does, or has ended it: it may take too long.
        """
        claims: list[Claim] = []
        failed = True
        try:
            with self._database.transaction() as cursor:
                cursor.execute(statement("claim_limits").encode(), {"idle": f"{self._idle_s * 1000:.0f}ms"})
                values = {"work": self._work, "now": now, "most": most}
                cursor.execute(statement("claim_take").encode(), values)
                claims = [self._claim(*row) for row in cursor.fetchall()]
                yield Held(cursor, self._work, now, claims)
            failed = False
        except DatabaseDown as down:
            failed = isinstance(down, CutShort)
            if failed and claims:
                raise SiteWorkFailed from down
            raise
        except psycopg.Error as error:
            note("site_work_refused", error)
            raise SiteWorkFailed if claims else DatabaseRefuses from error
        finally:
            if failed and claims:
                self._put_off([claim.site for claim in claims], now)

    def _put_off(self, sites: list[str], now: datetime) -> None:
        waits = {"first": FIRST_WAIT_S, "longest": LONGEST_WAIT_S}
        values = {"work": self._work, "sites": sites, "now": now, **waits}
        with self._database.transaction() as cursor:
            waiting = cursor.execute(statement("claim_failed").encode(), values).fetchall()
        if waiting:
            _log.warning("site_work_failed work=%s sites=%s", self._work, quoted(",".join(site for (site,) in waiting)))

    def _claim(
        self,
        site: str,
        zone: str | None,
        heard_at: datetime,
        closed: datetime | None,
        done: datetime | None,
        *rest: Any,
    ) -> Claim:
        return Claim(site, self._zone_of(site, zone), heard_at, minute_if_known(closed), minute_if_known(done), *rest)

    def _zone_of(self, site: str, name: str | None) -> ZoneInfo:
        if name is None:
            return self._zone
        if name not in self._zones:
            problem = time_zone(name)
            if problem:
                _log.warning("site_zone_unknown site=%s zone=%s", quoted(site), quoted(name))
            self._zones[name] = self._zone if problem else ZoneInfo(name)
        return self._zones[name]
