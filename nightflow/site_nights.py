"""The nights of one site, a piece at a time: their windows, and the reports of those that are over.

All state is in the tables; `Place` says how far it is. A box keeps its place in memory and begins anew at each start;
in a center it lies in the database beside the claim of the site. Every piece is safe to repeat.

A piece covers the last two nights and writes windows that are missing or have new late rows. At first, and when the
registered sensors change, all nights with rows are gone through, for some seconds in each piece. So nothing else is
needed after a kill or an outage. After an update, reports by an earlier definition are made anew, some in each piece;
each says by which definition it was made. After people have changed what is known of a sensor, the last nights are made
anew.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from common.night import CHANGED_NIGHTS, DAY_MINUTES, DEFINITION
from common.settings import SiteSettings
from common.zones import NO_ZONES, Zones
from nightflow import means, report
from nightflow.leakage import Leakage
from nightflow.window import Night, Plan
from outliers.calendar import Work

KEEP_DAYS = 365  # retention of REAL_VAL_TB: there are no older rows
RECENT_DAYS = 2  # nights covered by every piece: late rows come within days
PIECE_S = 2.0  # real seconds, then a piece ends with the night in hand: a transaction and a step stay short
RENEWED_NIGHTS = 10  # in one piece: a year takes half an hour

Reports = dict[str, Leakage]  # by sensor


@dataclass(frozen=True, slots=True)
class Place:
    """How far the nights of a site are."""

    done_through: int | None = None  # UTC minute: windows up to it are stored; None: begin with the first row
    closed: int | None = None  # what was complete then
    sensors: tuple[str, ...] | None = None  # registered then
    changed: datetime | None = None  # the last change of what is known of the sensors that was followed
    definition: int = 0  # no report by an earlier one than this is left
    renewed: date = date.min  # on the way there: through this night


@dataclass(slots=True)
class Piece:
    """What was done."""

    place: Place
    more: bool = False  # there is more to do now
    counts: Counter[str] = field(default_factory=Counter)
    nights: int = 0
    reports: dict[date, Reports] = field(default_factory=dict)


class SiteNights:
    """The nights of a site."""

    def __init__(
        self,
        site: SiteSettings,
        plan: Plan,
        *,
        zones: Zones = NO_ZONES,
        works: Callable[[], Sequence[Work]] = tuple,
    ) -> None:
        """`works` tells the planned work of now; `zones` are those of the settings."""
        self._site = site
        self._plan = plan
        self._zones = zones
        self._works = works

    def work(
        self, cursor: psycopg.Cursor[Any], place: Place, now: datetime, ready: int, closed: int | None = None
    ) -> Piece:
        """The next piece.

        Args:
            cursor: of a transaction; the place counts if it is committed.
            ready: the last minute T whose window may be stored.
            closed: the site is complete through this minute; when it has moved, nights since are looked at again.
        """
        piece = Piece(self._seen(cursor, place, closed))
        self._go_on(cursor, piece, now, ready)
        if not piece.more:
            self._renew(cursor, piece, now)
            self._renew_changed(cursor, piece, now)
        return piece

    def report(self, cursor: psycopg.Cursor[Any], night: Night, now: datetime) -> Reports:
        """Make the reports of a night."""
        return report.store(cursor, self._site, night, now, self._works(), zones=self._zones)

    def _seen(self, cursor: psycopg.Cursor[Any], place: Place, closed: int | None) -> Place:
        sensors = tuple(sorted(means.registered(cursor, self._site.id)))
        if sensors != place.sensors:
            return replace(place, sensors=sensors, done_through=None, closed=closed)
        if closed is None or place.closed is None or place.done_through is None:
            return replace(place, closed=closed)
        if closed > place.closed:
            return replace(place, done_through=min(place.done_through, place.closed), closed=closed)
        return place

    def _renew(self, cursor: psycopg.Cursor[Any], piece: Piece, now: datetime) -> None:
        """Make some reports by an earlier definition anew, oldest first. One whose rows are gone stays."""
        if piece.place.definition == DEFINITION:
            return
        oldest = now.date() - timedelta(days=KEEP_DAYS)
        for _ in range(RENEWED_NIGHTS):
            nights = report.oldest_to_renew(cursor, self._site.id, max(oldest, piece.place.renewed))
            if not nights:
                piece.place = replace(piece.place, definition=DEFINITION, renewed=date.min)
                return
            self._make_anew(cursor, piece, nights, now)
            piece.place = replace(piece.place, renewed=nights[0])

    def _renew_changed(self, cursor: psycopg.Cursor[Any], piece: Piece, now: datetime) -> None:
        """After people have changed what is known of a sensor, make the reports of the last nights anew."""
        changed, first = report.changed_at(cursor, self._site.id, now), now - timedelta(days=CHANGED_NIGHTS)
        if changed is None or changed == piece.place.changed or changed < first:
            return
        nights = report.since(cursor, self._site.id, first.astimezone(self._plan.zone).date())
        self._make_anew(cursor, piece, nights, now)
        piece.place = replace(piece.place, changed=changed)

    def _make_anew(self, cursor: psycopg.Cursor[Any], piece: Piece, nights: Iterable[date], now: datetime) -> None:
        for night in nights:
            made = self.report(cursor, self._plan.night(night), now)
            piece.reports[night] = made
            piece.counts["renewed"] += len(made)

    def _go_on(self, cursor: psycopg.Cursor[Any], piece: Piece, now: datetime, ready: int) -> None:
        """The next nights, and the last ones, oldest first."""
        begin, end_s = self._begin(cursor, piece.place, ready), time.monotonic() + PIECE_S
        through, grown = ready, False  # later reports are compared with a changed night
        for night in self._plan.nights(min(begin, ready - RECENT_DAYS * DAY_MINUTES), ready):
            grown |= self._night(cursor, piece, night, now, ready, again=grown)
            piece.nights += 1
            if begin <= night.last_window < ready and time.monotonic() >= end_s:
                piece.more, through = True, night.last_window
                break
        piece.place = replace(piece.place, done_through=max(through, begin - 1))

    def _begin(self, cursor: psycopg.Cursor[Any], place: Place, ready: int) -> int:
        oldest = ready - KEEP_DAYS * DAY_MINUTES
        if place.done_through is not None:
            return max(place.done_through + 1, oldest)
        first = means.first_row_minute(cursor, self._site.id)
        return ready + 1 if first is None else max(first, oldest)

    def _night(
        self, cursor: psycopg.Cursor[Any], piece: Piece, night: Night, now: datetime, ready: int, *, again: bool
    ) -> bool:
        """A night's windows, and its reports if it is over; True if a window was written."""
        stored = means.store(cursor, self._site.id, [window for window in night.windows if window <= ready], now)
        if night.last_window <= ready and (stored or again or report.is_missing(cursor, self._site.id, night)):
            piece.reports[night.date] = self.report(cursor, night, now)
            piece.counts["reports"] += len(piece.reports[night.date])
        written_again = sum(window.again for window in stored)
        piece.counts["windows_again"] += written_again
        piece.counts["windows_stored"] += len(stored) - written_again
        return bool(stored)
