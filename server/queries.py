"""The page's queries. Times are whole UTC seconds; the browser shows them in the site's zone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from common.database import statement
from common.point import Point
from common.site_claims import LATE, OVERDUE
from outliers import flags
from situation.site_work import WorkState
from situation.sites import SilenceLimits
from situation.topic import PartitionState

Cursor = psycopg.Cursor[Any]
Json = dict[str, Any]

FLAGGED_FOR = timedelta(minutes=10)  # a sensor counts as flagged this long after its newest flagged minute
SPELL_GAP = timedelta(minutes=5)  # flagged minutes closer together are one line of the table
BRIEF_FAULT = 3  # minutes: a few lost frames do not make a sensor faulty
MAX_SPELLS = 200  # lines; nobody reads more
MAX_UNREGISTERED = 50

_MADE_AT = "SELECT max(made_at) FROM PRED_VAL_TB WHERE site = %(site)s AND sensor = %(sensor)s AND made_at <= %(now)s"


def future(cursor: Cursor, site: str, until: datetime) -> tuple[datetime | None, str]:
    """The newest row after `until` of a registered sensor, or received, and the other site that it came from; None if
    there is none."""
    row = cursor.execute(statement("page_future"), {"site": site, "until": until}).fetchone()
    return (row[0], row[1] or "") if row else (None, "")


def sensors(cursor: Cursor, site: str, until: datetime) -> list[Json]:
    """Registered sensors with their newest row up to `until`; `version` changes when their charts change."""
    found = []
    values = {"site": site, "flagged_for": FLAGGED_FOR, "brief_fault": BRIEF_FAULT, "until": until}
    for row in cursor.execute(statement("page_sensors"), values):
        sensor, name, time, flow, pressure, made_at, severity, channel, reason, flagged, latitude, longitude = row
        found.append(
            {
                "sensor": sensor,
                "name": name,
                "place": None if latitude is None or longitude is None else [latitude, longitude],
                "newest": time,
                "flow": flow,
                "pressure": pressure,
                "severity": severity,
                "channel": channel,
                "reason": reason,
                "version": f"{seconds(time)}/{seconds(made_at)}/{seconds(flagged)}",
            }
        )
    return found


def unregistered(cursor: Cursor, site: str) -> list[Json]:
    rows = cursor.execute(statement("page_unregistered"), {"site": site, "limit": MAX_UNREGISTERED})
    return [{"sensor": sensor, "first": seconds(first), "newest": seconds(last)} for sensor, first, last in rows]


def received(cursor: Cursor) -> Json:
    """Numbers of received rows, repeated rows and batches, and real seconds since the last new one."""
    row = cursor.execute(statement("page_received")).fetchone()
    assert row is not None
    return dict(zip(("rows", "repeated", "batches", "last_s"), row, strict=True))


def topic(cursor: Cursor) -> tuple[PartitionState, ...]:
    """The partitions that a center reads; empty elsewhere."""
    return tuple(PartitionState(*row) for row in cursor.execute(statement("topic_state")))


def site_work(cursor: Cursor, now: datetime) -> tuple[WorkState, ...]:
    """How the work for the sites of a center goes."""
    values = {"now": now, "overdue": OVERDUE, "late": LATE}
    return tuple(WorkState(*row) for row in cursor.execute(statement("claim_states"), values))


def sites(cursor: Cursor, limits: SilenceLimits) -> Json:
    """How many sites deliver here, how many of them are silent, and when the last one was heard (UTC s)."""
    row = cursor.execute(statement("sites_silent"), limits._asdict()).fetchone()
    assert row is not None
    return dict(zip(("known", "silent", "heard"), row, strict=True))


def series(cursor: Cursor, point: Point, start: datetime, end: datetime, step: timedelta) -> Json:
    """Means over `step` as parallel lists: at (UTC s), flow (m3/h), pressure (bar)."""
    values = {**point._asdict(), "from": start, "to": end, "step": step}
    rows = cursor.execute(statement("page_series"), values).fetchall()
    return {
        "at": [row[0] for row in rows],
        "flow": [_short(row[1]) for row in rows],
        "pressure": [_short(row[2]) for row in rows],
    }


class Step(NamedTuple):
    """Of one channel in one step of time: m3/h or bar; no value in a step without one. `minutes`: with a value."""

    low: float | None
    mean: float | None
    high: float | None
    minutes: int


def steps(cursor: Cursor, point: Point, bounds: Sequence[datetime]) -> list[tuple[Step, Step] | None]:
    """Flow and pressure between each bound and the next; None where there is no row."""
    values = {**point._asdict(), "first": list(bounds[:-1]), "after": list(bounds[1:])}
    rows = cursor.execute(statement("page_steps"), values)
    return [(Step(*row[:4]), Step(*row[4:8])) if row[8] else None for row in rows]


def filled(bounds: Sequence[datetime], found: Sequence[tuple[Step, Step] | None]) -> Json:
    """The steps with a row as parallel lists: at (UTC s), and low, mean, high and minutes of each channel.

    Lists of the lowest and highest are left out where each step is one value.
    """
    known = [(int(at.timestamp()), each) for at, each in zip(bounds, found, strict=False) if each is not None]
    lists: Json = {"at": [at for at, _ in known]}
    for place, channel in enumerate(flags.CHANNELS):
        of_channel = [each[place] for _, each in known]
        ranges = any(step.low != step.high for step in of_channel)
        names = ("low", "mean", "high") if ranges else ("mean",)
        lists[channel] = {
            **{name: [_short(getattr(step, name)) for step in of_channel] for name in names},
            "minutes": [step.minutes for step in of_channel],
        }
    return lists


def forecast(cursor: Cursor, point: Point, start: datetime, end: datetime, now: datetime) -> Json:
    """Hourly forecasts with their 90 % bands as parallel lists; `hour` is the start of each (UTC s)."""
    made = cursor.execute(_MADE_AT, {**point._asdict(), "now": now}).fetchone()
    made_at: datetime | None = made[0] if made else None
    values = {**point._asdict(), "from": start, "to": end, "made_at": made_at}
    rows = cursor.execute(statement("page_forecast"), values).fetchall()
    lists: Json = {"hour": [row[0] for row in rows], "model": rows[-1][7] if rows else "", "made_at": seconds(made_at)}
    for place, channel in ((1, "flow"), (4, "pressure")):
        low, high = [row[place + 1] for row in rows], [row[place + 2] for row in rows]
        lists[channel] = {"mean": [row[place] for row in rows], "low": low, "high": high}
    return lists


def spells(cursor: Cursor, site: str, names: Sequence[str], start: datetime, end: datetime) -> list[Json]:
    """The flagged spells, newest first, at most `MAX_SPELLS`."""
    span = {"from": start, "to": end, "gap": SPELL_GAP, "limit": MAX_SPELLS}
    values = {"site": site, "sensors": list(names), **span}
    keys = ("sensor", "channel", "method", "code", "start", "end", "minutes", "severity")
    return [dict(zip(keys, row, strict=True)) for row in cursor.execute(statement("page_spells"), values)]


def night(cursor: Cursor, point: Point, start: datetime, end: datetime) -> list[Json]:
    """Ten-minute means of one night."""
    values = {**point._asdict(), "from": start, "to": end}
    rows = cursor.execute(statement("page_night"), values)
    keys = ("at", "flow", "pressure", "minutes", "complete")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def seconds(time: datetime | None) -> int | None:
    """Since 1970; None for None."""
    return int(time.timestamp()) if time else None


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
