"""The report of each night in `NIGHT_REPORT_TB` with all inputs, and the last one in ``night_state.json``."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from common import files, state_file
from common.clock import minute_start
from common.database import statement
from common.folder import NIGHT_STATE_FILE
from common.night import DAY_MINUTES, DEFINITION, WINDOW_MINUTES
from common.settings import SiteSettings
from common.zones import NO_ZONES, Zone, Zones
from nightflow.known import Range, SensorFigures
from nightflow.leakage import DAY_HOURS, REFERENCE_NIGHTS, EarlierNight, Leakage, Tenth, leakage
from nightflow.window import Night
from outliers.calendar import Work


@dataclass(frozen=True, slots=True)
class _Inputs:
    day: dict[str, dict[int, Tenth]]  # by their number from the report's first
    hours_bar: dict[str, list[float]]
    earlier: dict[str, list[EarlierNight]]
    known: dict[str, SensorFigures]


def is_missing(cursor: psycopg.Cursor[Any], site: str, night: Night) -> bool:
    """Whether a sensor of a site has windows in the night but no report of it."""
    span = {"first": minute_start(night.windows[0]), "last": minute_start(night.last_window)}
    cursor.execute(statement("night_missing"), {"site": site, **span, "night": night.date})
    row = cursor.fetchone()
    return bool(row and row[0])


def oldest_to_renew(cursor: psycopg.Cursor[Any], site: str, after: date) -> list[date]:
    """The oldest night after `after` with a report by an earlier definition; with the last of them, also the nights
    that were reported since and compared with it. Empty if there is none."""
    asked = {"after": after, "definition": DEFINITION, "compared": timedelta(days=REFERENCE_NIGHTS)}
    cursor.execute(statement("night_old"), {"site": site, **asked})
    return [night for (night,) in cursor.fetchall()]


def changed_at(cursor: psycopg.Cursor[Any], site: str, now: datetime) -> datetime | None:
    """When people last changed what is known of a site's sensor; without changes of a clock that was ahead."""
    query = "SELECT max(changed_at) FROM SENSOR_TB WHERE site = %s AND changed_at <= %s"
    row = cursor.execute(query, (site, now)).fetchone()
    found: datetime | None = row[0] if row else None
    return found


def since(cursor: psycopg.Cursor[Any], site: str, first: date) -> list[date]:
    """A site's nights from `first` on that have a report, oldest first."""
    return [night for (night,) in cursor.execute(statement("night_since"), {"site": site, "first": first})]


def store(
    cursor: psycopg.Cursor[Any],
    site: SiteSettings,
    night: Night,
    now: datetime,
    works: Sequence[Work] = (),
    *,
    zones: Zones = NO_ZONES,
) -> dict[str, Leakage]:
    """Compute and write the night's report of every sensor of a site with windows in it; returns them by sensor.

    The sensor's current settings are used and stored with the night. `works` are excluded. `zones` of the settings have
    the pressure of an inlet.
    """
    inputs = _read_inputs(cursor, site.id, night, works)
    for one in zones.values():
        _take_pressure(one, inputs)
    inputs.known.update(_read_known(cursor, site))
    cursor.execute(
        "SELECT DISTINCT sensor FROM NIGHT_FLOW_VAL_TB WHERE site = %s AND time BETWEEN %s AND %s ORDER BY sensor",
        (site.id, minute_start(night.windows[0]), minute_start(night.last_window)),
    )
    reports = {sensor: _leakage(sensor, night, inputs) for (sensor,) in cursor.fetchall()}
    if reports:
        rows = [{"site": site.id, **_row(sensor, night, found, now)} for sensor, found in reports.items()]
        cursor.executemany(statement("night_report"), rows)
    return reports


def _leakage(sensor: str, night: Night, inputs: _Inputs) -> Leakage:
    day = inputs.day[sensor]
    return leakage(
        night.date,
        {step: tenth for step, tenth in day.items() if 0 <= step < len(night.report)},
        inputs.hours_bar[sensor],
        inputs.earlier[sensor],
        known=inputs.known.get(sensor),
        day=day,
    )


def _take_pressure(zone: Zone, inputs: _Inputs) -> None:
    """A zone has the pressure of the inlet with the most hours of it, the first of those in the formula."""
    inlet = max(zone.inlets, key=lambda sensor: len(inputs.hours_bar.get(sensor, ())))
    inputs.hours_bar[zone.name] = inputs.hours_bar.get(inlet, [])
    there = inputs.day.get(inlet, {})
    for step, tenth in inputs.day.get(zone.name, {}).items():
        bar = there.get(step, Tenth())
        inputs.day[zone.name][step] = replace(tenth, pressure_sum=bar.pressure_sum, pressure_count=bar.pressure_count)


def _read_known(cursor: psycopg.Cursor[Any], site: SiteSettings) -> dict[str, SensorFigures]:
    cursor.execute(statement("night_sites"), {"site": site.id})
    return {
        sensor: SensorFigures(
            users,
            litres,
            use,
            n1,
            reference,
            mains_km,
            connections,
            service_km,
            replaced.astimezone(site.zone).date() if replaced else None,
        )
        for sensor, replaced, users, litres, use, n1, reference, mains_km, connections, service_km in cursor.fetchall()
    }


def _read_inputs(cursor: psycopg.Cursor[Any], site: str, night: Night, works: Sequence[Work]) -> _Inputs:
    inputs = _Inputs(defaultdict(dict), defaultdict(list), defaultdict(list), {})
    first, end = _first_minute(night), night.last_window + 1
    begin = end - DAY_MINUTES  # whole windows before the first, because a night's windows are tens of minutes
    there = [work for work in works if work.first < end and work.end > begin]
    cursor.execute(
        statement("night_tenths"),
        {
            "site": site,
            "begin": minute_start(begin),
            "first": minute_start(first),
            "end": minute_start(end),
            "work_sensors": [work.sensor for work in there],
            "work_firsts": [minute_start(work.first) for work in there],
            "work_ends": [minute_start(work.end) for work in there],
        },
    )
    for sensor, step, *values in cursor.fetchall():
        inputs.day[sensor][step] = Tenth(*values)
    day = {"first": minute_start(night.end - DAY_HOURS * 60), "end": minute_start(night.end)}
    cursor.execute(statement("night_hours"), {"site": site, **day})
    for sensor, pressure_bar in cursor.fetchall():
        inputs.hours_bar[sensor].append(pressure_bar)
    before = {"first": night.date - timedelta(days=REFERENCE_NIGHTS), "before": night.date}
    cursor.execute(statement("night_earlier"), {"site": site, **before})
    for sensor, *values in cursor.fetchall():
        inputs.earlier[sensor].append(EarlierNight(*values))
    return inputs


def _first_minute(night: Night) -> int:
    """The first minute of the report's first window; where a clock change removed all, of the night's last."""
    return (night.report[0] if night.report else night.last_window) - WINDOW_MINUTES + 1


def _row(sensor: str, night: Night, found: Leakage, now: datetime) -> dict[str, Any]:
    hour, bound = found.hour, found.bound
    first = _first_minute(night)
    return {
        "sensor": sensor,
        "night": found.night,
        "hour_start": minute_start(first + hour.step * WINDOW_MINUTES) if hour else None,
        "hour_flow": hour.flow_m3h if hour else None,
        "hour_pressure": hour.pressure_bar if hour else None,
        "hour_minutes": hour.minutes if hour else 0,
        "good_minutes": found.good_minutes,
        "faulty_minutes": found.faulty_minutes,
        "planned_minutes": found.planned_minutes,
        "night_use_by": found.night_use_by,
        "night_users": found.users,
        "night_litres": found.litres,
        "reference_by": found.reference_by,
        "percentile_flow": found.percentile_m3h,
        "percentile_nights": found.percentile_nights,
        "n1": found.n1,
        "reference_pressure": found.reference_bar,
        "day_factor": found.factor_h,
        "pressure_hours": found.pressure_hours,
        "definition": DEFINITION,
        "leak_bound": bound.flow_m3h if bound else None,
        "leak_bound_start": minute_start(first + bound.first * WINDOW_MINUTES) if bound else None,
        "uarl_day": found.uarl_m3d,
        **_spread("night_use", found.night_use_m3h, found.is_estimate),
        **_spread("leak_flow", found.leak_m3h, found.is_estimate),
        **_spread("leak_flow_reference", found.leak_reference_m3h, found.is_estimate),
        **_spread("leak_day", found.leak_m3d, found.is_estimate),
        "now": now,
    }


def _spread(name: str, values: Range | None, is_estimate: bool) -> dict[str, float | None]:
    """One number where the night use is known; two where it is a guess."""
    low, high = values or (None, None)
    if is_estimate:
        return {name: None, f"{name}_low": low, f"{name}_high": high}
    return {name: low, f"{name}_low": None, f"{name}_high": None}


@dataclass(frozen=True, slots=True)
class Published:
    """The fields of ``night_state.json`` that are read back."""

    night: date


def published(data: Path) -> date | None:
    """The night in ``night_state.json``; None if the file is missing or damaged."""
    state = state_file.load(data / NIGHT_STATE_FILE, Published)
    return state.night if state else None


def publish(data: Path, night: date, reports: dict[str, Leakage], now: datetime) -> None:
    """Replace ``night_state.json`` with the figures of the last complete night."""
    sensors = {
        sensor: {
            "flow_m3h": found.hour.flow_m3h if found.hour else None,
            "pressure_bar": found.hour.pressure_bar if found.hour else None,
            "percentile_m3h": found.percentile_m3h,
            "is_estimate": found.is_estimate,
            **_spread("leak_m3h", found.leak_m3h, found.is_estimate),
            **_spread("leak_m3d", found.leak_m3d, found.is_estimate),
            "good_minutes": found.good_minutes,
            "faulty_minutes": found.faulty_minutes,
            "planned_minutes": found.planned_minutes,
        }
        for sensor, found in sorted(reports.items())
    }
    state = {"night": night.isoformat(), "computed_at": now.isoformat(), "sensors": sensors}
    files.replace(data / NIGHT_STATE_FILE, json.dumps(state, indent=1).encode() + b"\n")
