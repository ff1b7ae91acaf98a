"""Data that explains a finding: the measured and expected values around it, and its limit.

Limits come from `findings.json`, the newest 500; for an older finding only the values remain.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from common.database import statement
from common.folder import CRITERIA_FOLDER, FINDINGS_FILE
from common.point import Point
from outliers import findings
from outliers.calendar import Occasions
from outliers.findings import Finding
from outliers.night_reference import night_reference
from server import queries
from server.expected import Days, usual
from server.planned import works

Cursor = psycopg.Cursor[Any]
Json = dict[str, Any]

BEFORE, AFTER = timedelta(hours=12), timedelta(hours=4)  # shown around the event
LONGEST = timedelta(days=40)
# The shown span -> the width of one point: at most about 2,000 points per line.
STEPS = ((timedelta(hours=30), timedelta(minutes=1)), (timedelta(days=6), timedelta(minutes=5)))
WIDEST_STEP = timedelta(minutes=30)
NIGHTS = 35
# A limit's name -> how it is drawn: a value, a distance above the expectation, or a distance on both sides.
LIMITS = {"limit_m3h": "above", "limit_bar": "around"}
LEVEL_CODE = "SYS-RANGE"  # the rule whose limit is a value


class AskedAt(NamedTuple):
    """The site and the time of a request."""

    id: str
    data: Path
    zone: ZoneInfo
    known: Occasions
    now: datetime


class SpellRequest(NamedTuple):
    """A request for a line of the page's table."""

    sensor: str
    channel: str
    method: str
    start: int  # UTC s of the first and the last flagged minute
    end: int


def explain(cursor: Cursor, spell: SpellRequest, site: AskedAt) -> Json:
    """Everything for the finding's charts."""
    point = Point(site.id, spell.sensor)
    raised, cleared = matching(findings.load(site.data / FINDINGS_FILE), spell)
    begins = datetime.fromtimestamp(min(spell.start, raised.since * 60) if raised else spell.start, UTC)
    over = datetime.fromtimestamp(spell.end, UTC)
    start = max(begins - BEFORE, over - LONGEST)
    end = min(over + AFTER, site.now)
    step = next((step for span, step in STEPS if end - start <= span), WIDEST_STEP)
    return {
        **spell._asdict(),
        "now": site.now.timestamp(),
        "window": [start.timestamp(), end.timestamp()],
        "step_s": int(step.total_seconds()),
        "finding": _shown(raised, cleared),
        "series": queries.series(cursor, point, start, end, step),
        "forecast": queries.forecast(cursor, point, start - timedelta(hours=1), end, site.now),
        "usual": usual(
            cursor,
            site.data / CRITERIA_FOLDER,
            point,
            Days(site.zone, site.known.holidays),
            (begins, start, end),
        ),
        "nights": nights(cursor, point, over.astimezone(site.zone).date() + timedelta(days=1), NIGHTS)
        if spell.method == "NIGHT"
        else [],
        "works": works(site.known, spell.sensor, start, end),
    }


def matching(known: Sequence[Finding], spell: SpellRequest) -> tuple[Finding | None, Finding | None]:
    """The newest raise that matches the spell's letters, and its clear; None if no longer in the file."""
    for raised, cleared in reversed(findings.spells(known, spell.sensor)):
        told = (
            findings.about(raised, spell.sensor, spell.channel, spell.method) and raised.minute * 60 <= spell.end + 60
        )
        if told and (cleared is None or cleared.minute * 60 >= spell.start):
            return raised, cleared
    return None, None


def _shown(raised: Finding | None, cleared: Finding | None) -> Json | None:
    if raised is None:
        return None
    limits = {"limit": "level"} if raised.code == LEVEL_CODE else LIMITS
    name = next((name for name in limits if name in raised.numbers), None)
    return {
        "code": raised.code,
        "severity": raised.severity.upper(),
        "since": raised.since * 60,
        "raised": raised.minute * 60,
        "cleared": cleared.minute * 60 if cleared else None,
        "limit": raised.numbers[name] if name else None,
        "limit_kind": limits[name] if name else None,
    }


def nights(cursor: Cursor, point: Point, before: date, count: int) -> list[Json]:
    """The last `count` nights before a local date, oldest first, each with its inputs and its reference."""
    span = {"before": before, "first": before - timedelta(days=count)}
    cursor.execute(statement("page_nights"), {**point._asdict(), **span})
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    minima: list[float] = []
    for night in found:
        night["night"] = night["night"].isoformat()
        night["usual"] = night_reference(minima)
        if night["hour_flow"] is not None:
            minima.append(night["hour_flow"])
    return found


def last_night(cursor: Cursor, point: Point, today: date) -> Json | None:
    """The newest report of the last two nights; `today` in UTC, which may be a day behind the site's."""
    found = nights(cursor, point, today + timedelta(days=2), 4)
    return found[-1] if found else None
