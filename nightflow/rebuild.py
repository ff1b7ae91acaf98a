"""Criteria from the database: which rows are learnt from."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from common import criteria as stored
from common import flags
from common.clock import minute_of
from common.criteria import Criteria
from common.database import statement
from nightflow.criteria import DEFAULT_ALARMS_PER_MONTH, WINDOW_DAYS, History, build

LEAK_LETTER = "L"
PIECE_ROWS = 20_000  # fetched at a time: half a year in one piece would be 100 MB


def read_history(cursor: psycopg.Cursor[Any], sensor: str, first: datetime, end: datetime) -> History:
    """The rows of REAL_VAL_TB from `first` to before `end`, without what must not be learnt from.

    Left out are values that SYSTEM flagged, and the flow while a LEAK was up. A WATCH stays: leaving out whatever
    was high would make the criteria ever narrower.
    """
    start, rows = minute_of(first), minute_of(end) - minute_of(first)
    history = History(start, np.full(rows, np.nan), np.full(rows, np.nan))
    cursor.execute(statement("criteria_rows"), {"sensor": sensor, "first": first, "end": end})
    while piece := cursor.fetchmany(PIECE_ROWS):
        for minute, flow, pressure, flow_flags, pressure_flags in piece:
            if flow is not None and flags.trusted(flow_flags) and LEAK_LETTER not in flow_flags:
                history.flow[minute - start] = flow
            if pressure is not None and flags.trusted(pressure_flags):
                history.pressure[minute - start] = pressure
    return history


def limits(folder: Path, sensor: str, flow_max: float | None, pressure_max: float | None) -> Criteria:
    """The physical limits to build on: the initial file's, and the table's where a meter's range is known there."""
    prior = stored.initial(sensor, folder)
    if flow_max is not None:
        prior = replace(prior, flow=replace(prior.flow, high=flow_max))
    if pressure_max is not None:
        prior = replace(prior, pressure=replace(prior.pressure, high=pressure_max))
    return prior


def learn(
    cursor: psycopg.Cursor[Any],
    prior: Criteria,
    now: datetime,
    zone: ZoneInfo,
    *,
    holidays: Collection[date] = (),
    alarms_per_month: float = DEFAULT_ALARMS_PER_MONTH,
) -> Criteria:
    """Criteria from the last half year before `now`; not stored yet.

    Raises:
        CriteriaUnusable: less than eight weeks of good rows.
    """
    end = now.replace(minute=0, second=0, microsecond=0)
    history = read_history(cursor, prior.sensor, end - timedelta(days=WINDOW_DAYS), end)
    return build(history, zone, prior, holidays, alarms_per_month)
