"""What a center knows of its sites: when each was heard, and through which minute all its rows are stored.

Read and moved in the transaction that stores the rows. A batch's mark counts once every batch before it is there: until
then it waits, since the batches of a site may come by ways that overtake each other.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Cursor

from common.batch_mark import BatchMark
from common.clock import start_if_known
from common.database import statement
from common.kafka_rows import SiteMark
from common.logging_setup import quoted

PATIENCE_H = 24  # that a mark waits for the batches before it: what is not here by then went another way
MOST_WAITING = 1000  # marks of a site: a week of batches
AHEAD_MIN = 10  # a mark beyond this is of a wrong clock, and would hold for as long as that was ahead

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a site is. None: no mark has said it.

    Attributes:
        log_id: of its newest log.
        offset: all rows of that log before it are stored.
        closed: all rows of this UTC minute and of those before are stored.
    """

    log_id: str | None
    offset: int | None
    closed: int | None


def advance(reached: Reached, marks: Iterable[SiteMark]) -> tuple[Reached, list[SiteMark]]:
    """How far a site is with these marks, and which of them still wait for a batch before them. Pure.

    A log that was made anew goes on where the one before it ended, or further back; what still comes of that one says
    nothing more.
    """
    waiting: list[SiteMark] = []
    for each in sorted(marks, key=lambda each: (each.log_id != reached.log_id, each.mark.first)):
        if each.log_id != reached.log_id:
            if reached.log_id is not None and (each.mark.closed or 0) <= (reached.closed or 0):
                continue
            if reached.offset is not None and each.mark.first > reached.offset:
                waiting.append(each)
                continue
            reached, waiting = Reached(each.log_id, None, reached.closed), []
        if reached.offset is not None and each.mark.first > reached.offset:
            waiting.append(each)
        else:
            offset, closed = max(reached.offset or 0, each.offset), each.mark.closed
            reached = Reached(each.log_id, offset, _later(reached.closed, closed))
    return reached, waiting


def given_up(rest: Sequence[SiteMark], late: set[SiteMark]) -> int | None:
    """The offset before which batches are waited for no more; None if all still are. Pure.

    Args:
        rest: the marks that wait, as `advance` gives them.
        late: those that have waited for too long; what they waited for may have come with this batch.
    """
    firsts = [each.mark.first for each in rest if each in late]
    if len(rest) > MOST_WAITING:
        firsts.append(rest[-MOST_WAITING - 1].mark.first)
    return max(firsts, default=None)


def store(cursor: Cursor[Any], heard: Mapping[str, datetime | None], marks: Sequence[SiteMark]) -> None:
    """Note that these sites were heard, and what the marks among their batches say.

    Args:
        heard: when each site's newest batch came; None = now.
        marks: of these sites. The rows of each one's own batch are stored.
    """
    if not heard:
        return
    sites = sorted(heard)  # in one order everywhere: two who store then wait for each other instead of both failing
    values = {"sites": sites, "heard": [heard[site] for site in sites], "ahead": AHEAD_MIN}
    before = {site: each for site, *each in cursor.execute(statement("site_heard").encode(), values)}
    by_site: dict[str, list[SiteMark]] = {}
    for each in marks:
        by_site.setdefault(each.site, []).append(each)
    if not by_site:
        return
    waiting = _waiting(cursor, list(by_site))
    moved: dict[str, Reached] = {}
    left: list[SiteMark] = []
    for site, those in by_site.items():
        *known, now = before[site]
        reached = Reached(*known)
        moved[site], rest = advance(reached, [*waiting.marks(site), *(_believed(each, now) for each in those)])
        if (beyond := given_up(rest, waiting.late)) is not None:
            _log.warning("site_gap site=%s after=%s", quoted(site), moved[site].offset)
            moved[site], rest = advance(replace(moved[site], offset=beyond), rest)
        left += set(rest).difference(waiting.marks(site))
    cursor.execute(statement("site_reached").encode(), _reached_columns(moved))
    if left:
        cursor.execute(statement("site_waits").encode(), _mark_columns(left))
    if waiting.by_site:
        cursor.execute(statement("site_waits_no_more").encode(), {"sites": list(waiting.by_site)})


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The marks that wait, by site, and which of all have waited for too long."""

    by_site: dict[str, list[SiteMark]]
    late: set[SiteMark]

    def marks(self, site: str) -> list[SiteMark]:
        return self.by_site.get(site, [])


def _waiting(cursor: Cursor[Any], sites: list[str]) -> _Waiting:
    found = _Waiting({}, set())
    values = {"sites": sites, "hours": PATIENCE_H}
    for site, log_id, first, offset, closed, late in cursor.execute(statement("site_waiting").encode(), values):
        mark = SiteMark(site, log_id, offset, BatchMark(first, closed))
        found.by_site.setdefault(site, []).append(mark)
        if late:
            found.late.add(mark)
    return found


def _later(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _believed(each: SiteMark, now: int) -> SiteMark:
    """The mark without a minute that this clock calls the future."""
    if each.mark.closed is None or each.mark.closed <= now + AHEAD_MIN:
        return each
    return replace(each, mark=replace(each.mark, closed=None))


def _reached_columns(moved: Mapping[str, Reached]) -> dict[str, list[Any]]:
    return {
        "sites": list(moved),
        "logs": [each.log_id for each in moved.values()],
        "offsets": [each.offset for each in moved.values()],
        "closed": [start_if_known(each.closed) for each in moved.values()],
    }


def _mark_columns(marks: Sequence[SiteMark]) -> dict[str, list[Any]]:
    return {
        "sites": [each.site for each in marks],
        "logs": [each.log_id for each in marks],
        "firsts": [each.mark.first for each in marks],
        "offsets": [each.offset for each in marks],
        "closed": [start_if_known(each.mark.closed) for each in marks],
    }
