"""The state of the whole box as one JSON value: from the health files, the log's positions and the database.

The page, /healthz, /metrics and `hydrolog status` all show this one value and its verdict, so they cannot disagree.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.clock import Clock, minute_of, minute_start
from common.clock_words import said_of_meter
from common.database import Database
from common.errors import DatabaseDown
from common.messages import words as words_of
from common.row import Row
from common.settings import Settings
from common.units import USUAL, Units
from common.verdict import Problem
from common.verdict_words import of_json, said, said_kind, spoken
from common.version import version
from outliers.flags import explain, severest
from server import queries
from situation import snapshot, tail
from situation.judge import Judged, judge
from situation.processes import time_of
from situation.rows import SensorRow, Stored, future_row, row_age_s
from situation.sites import silence_limits
from situation.snapshot import Snapshot
from situation.topic import read_through

STATE_TIMEOUT_S = 10.0
ARCHIVE_LATE_MIN = 5  # minutes that the archive may be behind before the log's rows are shown

Json = dict[str, Any]


def read(database: Database, settings: Settings, clock: Clock, language: str = "") -> Json:
    """Everything except the charts, and the verdict on it, in the reader's language or the site's."""
    look = snapshot.take(settings, clock)
    snapshot.log_problems(look)
    stored, shown = _stored(database, settings, look)
    judged = judge(look, settings, stored)
    newest = max((entry["newest"] for entry in shown["sensors"] if entry["newest"]), default=None)
    offsets = snapshot.clock_offsets_s(look.processes["producer"].state) if "producer" in look.processes else {}
    state = {
        "version": version(),
        "site": settings.site.id,
        "center": settings.is_center,
        "zone": settings.site.timezone,
        "now": look.now.timestamp(),
        "speed": look.speed,
        "newest": {"at": queries.seconds(newest), "age_s": _age_s(newest, look)} | judged.rows.to_json(),
        "processes": [_process(role, problem, look) for role, problem in judged.processes.items()],
        "clock_offsets_s": offsets,
        "disk_free": look.disk_free,
        "log": _log_file(look),
        "groups": [{"group": group, "lag": look.lag(group)} for group in look.groups],
        **shown,
        "future": queries.seconds(future_row(look, stored)),
        "sensors": [_sensor(entry, judged, look) for entry in shown["sensors"] if entry["sensor"] in judged.sensors],
        "verdict": judged.verdict.to_json(),
    }
    return in_language(state, language or settings.site.language)


def in_language(state: Json, language: str, units: Units = USUAL) -> Json:
    """The same state, its words in another language, English for one that is not known, and in other units."""
    language = words_of(language).language
    found = state["verdict"]
    offsets = state["clock_offsets_s"]
    lists = {key: [spoken(of_json(each), language, units) for each in found[key]] for key in ("problems", "shelved")}
    return {
        **state,
        "language": language,
        "newest": _with_words(state["newest"], language, units),
        "processes": [_with_words(entry, language, units) for entry in state["processes"]],
        "sensors": [
            _with_words(entry, language, units) | {"clock": said_of_meter(offsets.get(entry["sensor"], 0.0), language)}
            for entry in state["sensors"]
        ],
        "verdict": {**found, "said": said_kind(found["kind"], language), **lists},
    }


def counters_of(state: Mapping[str, Any], role: str) -> Json:
    """What a process counts; empty if it has told nothing."""
    return next((each["counters"] for each in state["processes"] if each["role"] == role), {})


def names_of(state: Json) -> dict[str, str]:
    """What people call each sensor; may be empty."""
    return {entry["sensor"]: entry["name"] for entry in state["sensors"]}


def labels_of(state: Json) -> dict[str, str]:
    """The id and the name of each sensor, for a choice."""
    return {sensor: f"{sensor} {name}".strip() for sensor, name in names_of(state).items()}


def _with_words(entry: Json, language: str, units: Units) -> Json:
    words = said(of_json(entry), language, units)
    return {**entry, "word": words.word, "detail": "; ".join(filter(None, (words.detail, words.todo)))}


def _stored(database: Database, settings: Settings, look: Snapshot) -> tuple[Stored, Json]:
    """What the database knows, for the verdict and for the page; while it does not answer, what the log knows."""
    try:
        with database.transaction(STATE_TIMEOUT_S) as cursor:
            sensors = queries.sensors(cursor, settings.site.id, look.until)
            future, of_site = queries.future(cursor, settings.site.id, look.until)
            unregistered = queries.unregistered(cursor, settings.site.id)
            received = queries.received(cursor)
            topic = queries.topic(cursor)
            work = queries.site_work(cursor, look.now) if settings.is_center else ()
            limit = timedelta(minutes=settings.alerts.silent_box_minutes)
            sites = queries.sites(cursor, silence_limits(look.now, read_through(topic, look.now), limit))
    except DatabaseDown as down:
        return _from_the_log(settings, look, str(down))
    sensors = _fresher(sensors, settings, look)
    rows = {
        entry["sensor"]: SensorRow(entry["newest"], entry["name"], entry["severity"], entry["reason"] or "")
        for entry in sensors
    }
    apart = {entry["sensor"]: datetime.fromtimestamp(entry["newest"], UTC) for entry in unregistered}
    shown = {"database": "", "sensors": sensors, "unregistered": unregistered, "received": received}
    shown |= {"topic": [each._asdict() for each in topic], "work": [each._asdict() for each in work], "sites": sites}
    return Stored(rows, True, future, apart, topic, work, future_site=of_site), shown


def _from_the_log(settings: Settings, look: Snapshot, down: str) -> tuple[Stored, Json]:
    """The sensors of the mark, with their newest rows as far as the log's end holds them."""
    rows = tail.newest_rows(settings, look.until)
    closed = look.mark.sensors if look.mark else {}
    sensors = [
        _row_of_the_log(sensor, rows.get(sensor), closed.get(sensor), look) for sensor in sorted({*rows, *closed})
    ]
    known = {entry["sensor"]: SensorRow(entry["newest"], "", entry["severity"]) for entry in sensors}
    shown = {"database": down, "sensors": sensors, "unregistered": [], "received": None}
    shown |= {"topic": [], "work": [], "sites": None}
    return Stored(known, down=down), shown


def _row_of_the_log(sensor: str, row: Row | None, closed: int | None, look: Snapshot) -> Json:
    newest = minute_start(row.minute if row else closed or 0)
    return {
        "sensor": sensor,
        "name": "",
        "place": None,
        "newest": newest if newest <= look.until else None,
        "channel": None,
        "version": "",
        "reason": "",
        **_values(row),
        "severity": _severity(row),
    }


def _values(row: Row | None) -> Json:
    return {"flow": row.flow if row else None, "pressure": row.pressure if row else None}


def _severity(row: Row | None) -> str | None:
    return severest((*explain("flow", row.flow_flags), *explain("pressure", row.pressure_flags))) if row else None


def _fresher(sensors: list[Json], settings: Settings, look: Snapshot) -> list[Json]:
    """The sensors; those whose archive is behind with their newest row from the log."""
    closed = look.mark.sensors if look.mark else {}
    late = {entry["sensor"] for entry in sensors if _late(entry["newest"], closed.get(entry["sensor"]), look)}
    rows = tail.newest_rows(settings, look.until) if late else {}
    return [
        entry | {"newest": minute_start(row.minute), **_values(row), "severity": _severity(row), "reason": ""}
        if entry["sensor"] in late and (row := rows.get(entry["sensor"]))
        else entry
        for entry in sensors
    ]


def _late(newest: datetime | None, closed: int | None, look: Snapshot) -> bool:
    """Whether a sensor's newest archived row is far behind its last closed minute."""
    if closed is None or closed > minute_of(look.until):
        return False
    return newest is None or closed - minute_of(newest) > ARCHIVE_LATE_MIN * look.speed


def _process(role: str, problem: Problem, look: Snapshot) -> Json:
    state = look.processes[role].state if role in look.processes else {}
    counters = state.get("counters")
    return {
        "role": role,
        "version": str(state.get("version", "")),
        "success": queries.seconds(time_of(state.get("last_success"))),
        "counters": counters if isinstance(counters, dict) else {},
    } | problem.to_json()


def _log_file(look: Snapshot) -> Json:
    """Its size, None if there is none, and what the mark says of its end."""
    known = look.mark
    return {
        "bytes": look.log_bytes,
        "end_offset": known.end_offset if known else None,
        "closed_through": minute_start(known.closed_through).isoformat() if known else None,
    }


def _sensor(entry: Json, judged: Judged, look: Snapshot) -> Json:
    sensor, newest = entry["sensor"], entry["newest"]
    shown = {key: entry[key] for key in ("sensor", "name", "place", "flow", "pressure", "channel", "version")}
    return shown | {"newest": queries.seconds(newest), "age_s": _age_s(newest, look)} | judged.sensors[sensor].to_json()


def _age_s(newest: datetime | None, look: Snapshot) -> float | None:
    """Site seconds since the end of the newest row's minute; None without one, or if it is of the future."""
    return row_age_s(newest, look.now) if newest and newest <= look.until else None
