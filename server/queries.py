"""What the page reads from Postgres. Times go out as whole UTC seconds; the browser shows them in the site's zone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

Cursor = psycopg.Cursor[Any]
Json = dict[str, Any]

FLAGGED_FOR = timedelta(minutes=10)  # a sensor counts as flagged this long after its newest flagged minute
SPELL_GAP = timedelta(minutes=5)  # flagged minutes that lie closer together are one line of the table
BRIEF_FAULT = 3  # minutes: a telegram lost now and then is no reason to call a sensor faulty
MAX_SPELLS = 200  # lines; more is a wall that nobody reads
MAX_UNREGISTERED = 50

# Each registered sensor with its newest row, its newest forecast and the gravest of its recent flags. Every part is
# one look at the end of a primary key.
_SENSORS = """
SELECT s.sensor, s.name, n.time, n.flow, n.pressure, p.made_at, o.severity, o.channel, o.reason, o.time
FROM SENSOR_TB s
LEFT JOIN LATERAL (SELECT time, flow, pressure FROM REAL_VAL_TB r
                   WHERE r.sensor = s.sensor ORDER BY time DESC LIMIT 1) n ON true
LEFT JOIN LATERAL (SELECT made_at FROM PRED_VAL_TB v
                   WHERE v.sensor = s.sensor ORDER BY made_at DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT severity, channel, reason, time FROM OUTLIER_TB f
                   WHERE f.sensor = s.sensor AND f.time > n.time - %(flagged_for)s
                     AND (upper(severity) <> 'FAULT' OR %(brief_fault)s < (
                          SELECT count(*) FROM OUTLIER_TB g WHERE g.sensor = f.sensor AND g.channel = f.channel
                             AND g.method = f.method AND g.time > n.time - %(flagged_for)s))
                   ORDER BY array_position(ARRAY['LEAK', 'FAULT', 'SUPPLY', 'WATCH', 'PLANNED'], upper(severity)),
                            time DESC
                   LIMIT 1) o ON true
ORDER BY s.sensor
"""

# Sensor by sensor along the primary key: the table may hold months of rows of one unknown sensor.
_UNREGISTERED = """
WITH RECURSIVE known AS (
    (SELECT sensor FROM UNREGISTERED_VAL_TB ORDER BY sensor LIMIT 1)
    UNION ALL
    SELECT (SELECT sensor FROM UNREGISTERED_VAL_TB u WHERE u.sensor > known.sensor ORDER BY sensor LIMIT 1)
    FROM known WHERE known.sensor IS NOT NULL)
SELECT sensor, (SELECT min(time) FROM UNREGISTERED_VAL_TB u WHERE u.sensor = known.sensor),
               (SELECT max(time) FROM UNREGISTERED_VAL_TB u WHERE u.sensor = known.sensor)
FROM known WHERE sensor IS NOT NULL LIMIT %(limit)s
"""

# A batch that came n times has brought its rows n times.
_RECEIVED = """
SELECT coalesce(sum(rows - repeated), 0)::bigint, coalesce(sum(repeated + rows * (times_seen - 1)), 0)::bigint,
       count(*), extract(epoch FROM now() - max(received_at))::float8
FROM RECEIVED_BATCH_TB
"""

_SERIES = """
SELECT extract(epoch FROM date_bin(%(step)s, time, 'epoch'))::bigint AS at, avg(flow), avg(pressure)
FROM REAL_VAL_TB WHERE sensor = %(sensor)s AND time >= %(from)s AND time < %(to)s
GROUP BY at ORDER BY at
"""

# For the past each hour's own forecast, as it was sent with the row HH:00; for what is ahead the newest forecast.
_FORECAST = """
SELECT extract(epoch FROM hour)::bigint, flow, flow_low, flow_high, pressure, pressure_low, pressure_high, model
FROM PRED_VAL_TB
WHERE sensor = %(sensor)s AND hour >= %(from)s AND hour < %(to)s
  AND (made_at = hour OR (made_at = %(made_at)s AND hour > %(made_at)s))
ORDER BY hour
"""

_MADE_AT = "SELECT max(made_at) FROM PRED_VAL_TB WHERE sensor = %(sensor)s AND made_at <= %(now)s"

# Flagged minutes of one sensor, channel and method, joined into spells; the newest minute's words speak for all.
_SPELLS = """
WITH marked AS (
    SELECT *, CASE WHEN time - lag(time) OVER one <= %(gap)s THEN 0 ELSE 1 END AS begins
    FROM OUTLIER_TB WHERE sensor = ANY(%(sensors)s) AND time >= %(from)s AND time < %(to)s
    WINDOW one AS (PARTITION BY sensor, channel, method, code ORDER BY time)),
numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY sensor, channel, method, code ORDER BY time) AS spell FROM marked)
SELECT sensor, channel, method, code, extract(epoch FROM min(time))::bigint, extract(epoch FROM max(time))::bigint,
       count(*), (array_agg(upper(severity) ORDER BY time DESC))[1], (array_agg(reason ORDER BY time DESC))[1]
FROM numbered GROUP BY sensor, channel, method, code, spell
ORDER BY max(time) DESC, sensor, channel LIMIT %(limit)s
"""

_NIGHT = """
SELECT extract(epoch FROM time)::bigint, flow, pressure, minutes, complete
FROM NIGHT_FLOW_VAL_TB WHERE sensor = %(sensor)s AND time >= %(from)s AND time < %(to)s ORDER BY time
"""

# Each night's figures with everything that they were made from.
NIGHTS = """
SELECT night, extract(epoch FROM hour_start)::bigint AS hour_start, hour_flow, hour_pressure, hour_minutes,
       good_minutes, faulty_minutes, planned_minutes, percentile_flow, percentile_nights,
       night_use, night_use_by, night_users, night_litres, n1, reference_pressure, reference_by,
       leak_flow, leak_flow_reference, day_factor, pressure_hours, leak_day
FROM NIGHT_REPORT_TB WHERE sensor = %(sensor)s AND night >= %(first)s AND night < %(before)s ORDER BY night
"""


def sensors(cursor: Cursor) -> list[Json]:
    """Registered sensors with their newest row; `version` changes whenever their charts would."""
    found = []
    for row in cursor.execute(_SENSORS, {"flagged_for": FLAGGED_FOR, "brief_fault": BRIEF_FAULT}):
        sensor, name, time, flow, pressure, made_at, severity, channel, reason, flagged = row
        found.append(
            {
                "sensor": sensor,
                "name": name,
                "newest": time,
                "flow": flow,
                "pressure": pressure,
                "severity": severity,
                "channel": channel,
                "reason": reason,
                "version": f"{_seconds(time)}/{_seconds(made_at)}/{_seconds(flagged)}",
            }
        )
    return found


def unregistered(cursor: Cursor) -> list[Json]:
    rows = cursor.execute(_UNREGISTERED, {"limit": MAX_UNREGISTERED})
    return [{"sensor": sensor, "first": _seconds(first), "newest": _seconds(last)} for sensor, first, last in rows]


def received(cursor: Cursor) -> Json:
    """Rows received once, rows that came again, batches, and real seconds since the last new one."""
    row = cursor.execute(_RECEIVED).fetchone()
    assert row is not None
    return dict(zip(("rows", "repeated", "batches", "last_s"), row, strict=True))


def series(cursor: Cursor, sensor: str, start: datetime, end: datetime, step: timedelta) -> Json:
    """Means over `step` as parallel lists: at (UTC s), flow (m3/h), pressure (bar)."""
    values = {"sensor": sensor, "from": start, "to": end, "step": step}
    rows = cursor.execute(_SERIES, values).fetchall()
    return {
        "at": [row[0] for row in rows],
        "flow": [_short(row[1]) for row in rows],
        "pressure": [_short(row[2]) for row in rows],
    }


def forecast(cursor: Cursor, sensor: str, start: datetime, end: datetime, now: datetime) -> Json:
    """Hourly forecasts with their 90 % bands as parallel lists; `hour` is the start of each (UTC s)."""
    made = cursor.execute(_MADE_AT, {"sensor": sensor, "now": now}).fetchone()
    made_at: datetime | None = made[0] if made else None
    values = {"sensor": sensor, "from": start, "to": end, "made_at": made_at}
    rows = cursor.execute(_FORECAST, values).fetchall()
    lists: Json = {"hour": [row[0] for row in rows], "model": rows[-1][7] if rows else "", "made_at": _seconds(made_at)}
    for place, channel in ((1, "flow"), (4, "pressure")):
        low, high = [row[place + 1] for row in rows], [row[place + 2] for row in rows]
        lists[channel] = {"mean": [row[place] for row in rows], "low": low, "high": high}
    return lists


def spells(cursor: Cursor, names: Sequence[str], start: datetime, end: datetime) -> list[Json]:
    """What was flagged, newest first, at most `MAX_SPELLS`."""
    values = {"sensors": list(names), "from": start, "to": end, "gap": SPELL_GAP, "limit": MAX_SPELLS}
    keys = ("sensor", "channel", "method", "code", "start", "end", "minutes", "severity", "reason")
    return [dict(zip(keys, row, strict=True)) for row in cursor.execute(_SPELLS, values)]


def night(cursor: Cursor, sensor: str, start: datetime, end: datetime) -> list[Json]:
    """Ten-minute means of one night."""
    rows = cursor.execute(_NIGHT, {"sensor": sensor, "from": start, "to": end})
    keys = ("at", "flow", "pressure", "minutes", "complete")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _seconds(time: datetime | None) -> int | None:
    return int(time.timestamp()) if time else None


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
