"""Learning criteria from the database: which rows are used."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from common.clock import minute_of, minute_start
from common.database import statement
from common.errors import HistoryTooShort
from common.loggers import Area, area_of
from common.night import report_hours
from common.point import Point
from common.settings import Settings
from outliers import criteria as stored
from outliers.calendar import Occasions, Work, spans
from outliers.criteria import DEFAULT_PRESSURE, Criteria
from outliers.detectability import detectability
from outliers.learn.build import WINDOW_DAYS, History, build, build_of_pressure
from outliers.learn.day_kinds import Calendar
from outliers.learn.exclude import Taught
from outliers.learn.gate import channel_limits, cleaned
from outliers.learn.loggers import LoggerArchive, logger_use
from outliers.logger_use import LoggerUse

PIECE_ROWS = 20_000  # rows per fetch: half a year at once would be 100 MB


def read_rows(cursor: psycopg.Cursor[Any], point: Point, first: datetime, end: datetime) -> History:
    """The raw rows of REAL_VAL_TB from `first` to before `end`."""
    return _read(cursor, point, first, end, raw=True)


def read_history(
    cursor: psycopg.Cursor[Any], point: Point, first: datetime, end: datetime, works: Collection[Work] = ()
) -> History:
    """The rows of REAL_VAL_TB from `first` to before `end` that may be used for learning.

    Excluded are values flagged by SYSTEM, the flow during a LEAK and on the day before it, and everything during
    planned `works` at the sensor. A WATCH is not excluded: without all high values the criteria would become narrower
    with each build.
    """
    history = _read(cursor, point, first, end, raw=False)
    for begins, ends in spans(works, history.first, history.first + len(history.flow)):
        part = slice(begins - history.first, ends - history.first)
        history.flow[part] = history.pressure[part] = np.nan
    return history


def _read(cursor: psycopg.Cursor[Any], point: Point, first: datetime, end: datetime, *, raw: bool) -> History:
    start, rows = minute_of(first), minute_of(end) - minute_of(first)
    history = History(start, np.full(rows, np.nan), np.full(rows, np.nan))
    bounds = {"first": minute_start(start), "end": minute_start(start + rows)}
    cursor.execute(statement("criteria_rows"), {**point._asdict(), **bounds})
    taught = None if raw else Taught(history)
    while piece := cursor.fetchmany(PIECE_ROWS):
        for minute, flow, pressure, flow_flags, pressure_flags in piece:
            if flow is not None:
                history.flow[minute - start] = flow
            if pressure is not None:
                history.pressure[minute - start] = pressure
            if taught is not None:
                taught.row(minute, flow_flags, pressure_flags)
    return history


class Instrument(NamedTuple):
    """A registered sensor: the highest flow (m3/h) and pressure (bar) it can show, and its installation time."""

    sensor: str
    flow_max: float | None
    pressure_max: float | None
    replaced: datetime | None


def instruments(cursor: psycopg.Cursor[Any], site: str, only: str | None = None) -> list[Instrument]:
    """Every registered sensor of a site, or one."""
    query = "SELECT sensor, flow_max, pressure_max, replaced_at FROM SENSOR_TB WHERE site = %s ORDER BY sensor"
    cursor.execute(query, (site,))
    return [Instrument(*row) for row in cursor.fetchall() if only in (None, row[0])]


def learn_for(
    cursor: psycopg.Cursor[Any],
    instrument: Instrument,
    folder: Path,
    now: datetime,
    *,
    chosen: Settings,
    known: Occasions,
) -> tuple[Criteria, Criteria]:
    """The sensor's base criteria, and its new ones from the half year before `now`; not stored yet.

    Rows from before the instrument was replaced are not used.

    Raises:
        CriteriaUnusable: less than eight weeks of good rows.
    """
    sensor, replaced, site = instrument.sensor, instrument.replaced, chosen.site
    prior = limits(folder, instrument, is_zone=sensor in chosen.zones)
    end = now.replace(minute=0, second=0, microsecond=0)
    first = end - timedelta(days=WINDOW_DAYS)
    if replaced is not None:  # values of the old instrument are not usual for the new one
        first = min(max(first, replaced.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)), end)

    def rows_of(name: str) -> History:
        return read_history(cursor, Point(site.id, name), first, end, known.at(name))

    history = rows_of(sensor)
    area = area_of(sensor, chosen.loggers)
    inside = logger_of(area, history, rows_of, site.zone) if area is not None else None
    try:
        new = build(
            history,
            site.zone,
            prior,
            known.holidays,
            alarms_per_month=chosen.outliers.alarms_per_month,
            hours=report_hours(chosen.night),
        )
    except HistoryTooShort:
        if inside is None:
            raise
        alarms = chosen.outliers.alarms_per_month
        return prior, replace(build_of_pressure(history, site.zone, prior, inside), alarms_per_month=alarms)
    return prior, replace(new, found=detectability(new), logger=inside)


def logger_of(area: Area, history: History, rows_of: Callable[[str], History], zone: ZoneInfo) -> LoggerUse | None:
    """What is learnt of a logger with this `history`, and the rows of its area and inlets."""
    first, rows = history.first, len(history.pressure)
    limits = channel_limits(history.pressure, DEFAULT_PRESSURE, floor_share=0.25, rooted=False)
    own = cleaned(history.pressure, limits)
    near = {name: rows_of(name) for name in (area.name, *area.inlets)}
    inlets = {name: near[name].pressure for name in area.inlets}
    archive = LoggerArchive(area.name, own, inlets, near[area.name].flow)
    return logger_use(archive, Calendar.of(first, rows, zone, ()))


def limits(folder: Path, instrument: Instrument, *, is_zone: bool) -> Criteria:
    """The physical limits: from the initial file, or from the table if the meter's range is known there."""
    prior = stored.initial(instrument.sensor, folder, is_zone=is_zone)
    if instrument.flow_max is not None:
        prior = replace(prior, flow=replace(prior.flow, high=instrument.flow_max))
    if instrument.pressure_max is not None:
        prior = replace(prior, pressure=replace(prior.pressure, high=instrument.pressure_max))
    return prior
