"""The state in Prometheus's text format 0.0.4. Pure.

Names end in the unit. Flow is in m3/h and pressure in bar, not in Prometheus's base units (m3/s, Pa): every meter,
limit and report is in these, and a rule in other units would be wrong by a factor of 3,600 one day.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from common.verdict import CERTIFICATE_ENDS, KINDS
from server.facts import Facts, incident_counts, leak_sizes
from server.state import counters_of
from situation.site_work import WorkState
from situation.topic import PartitionState

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MEASURED_FOR_S = 900.0  # site seconds: an older value is not that of now, and a line in a chart would say so
PIPELINE_S = 20.0  # real seconds from the line to the database; many site seconds in a demo

Json = Mapping[str, Any]
Sample = tuple[Mapping[str, str], float | None]
Family = tuple[str, str, str, Iterable[Sample]]


def render(state: Json, facts: Facts) -> str:
    """All metrics; unknown values are omitted."""
    families = (
        *_site(state),
        *_sensors(state, facts),
        *_incidents(facts),
        *_nights(facts),
        *_processes(state),
        *_rows(state),
        *_center(state),
        *_box(state, facts),
    )
    return "".join(_family(*family) for family in families)


def _site(state: Json) -> Iterator[Family]:
    yield "hydrolog_build_info", "gauge", "Which version this is", [({"version": state["version"]}, 1.0)]
    kinds: list[Sample] = [({"verdict": kind}, float(kind == state["verdict"]["kind"])) for kind in KINDS]
    yield "hydrolog_verdict", "gauge", "1 for the site's verdict, 0 for the others", kinds


def _sensors(state: Json, facts: Facts) -> Iterator[Family]:
    sensors = state["sensors"]
    most_s = MEASURED_FOR_S + PIPELINE_S * state["speed"] + facts.quiet_s
    measured = [each for each in sensors if each["age_s"] is not None and each["age_s"] <= most_s]
    named: list[Sample] = [({"sensor": each["sensor"], "name": each["name"]}, 1.0) for each in sensors]
    yield "hydrolog_sensor_info", "gauge", "The registered sensors and their names", named
    told = [each for each in sensors if each.get("code") != "no-sum"]  # of a zone: one of its meters says why
    flow, pressure, age = (
        _of_sensors(part, key) for part, key in ((measured, "flow"), (measured, "pressure"), (told, "age_s"))
    )
    yield "hydrolog_flow_cubic_meters_per_hour", "gauge", "Flow of a sensor's newest minute; absent if it is old", flow
    yield "hydrolog_pressure_bar", "gauge", "Pressure of a sensor's newest minute; absent if it is old", pressure
    yield "hydrolog_newest_row_age_seconds", "gauge", "Site seconds since the end of a sensor's newest minute", age
    ahead: list[Sample] = [({}, state["future"] - state["now"] if state.get("future") else None)]
    yield (
        "hydrolog_newest_row_ahead_seconds",
        "gauge",
        "How far the newest row is in the future; absent if none is",
        ahead,
    )
    offsets: list[Sample] = [({"sensor": sensor}, offset) for sensor, offset in state["clock_offsets_s"].items()]
    yield "hydrolog_meter_clock_offset_seconds", "gauge", "By how much a meter's clock is ahead of the box's", offsets
    yield "hydrolog_unregistered_sensors", "gauge", "Sensors nobody knows", [({}, len(state["unregistered"]))]


def _incidents(facts: Facts) -> Iterator[Family]:
    names = ("sensor", "kind", "severity", "stage")
    counts: list[Sample] = [
        (dict(zip(names, key, strict=True)), float(count)) for key, count in incident_counts(facts.incidents).items()
    ]
    yield "hydrolog_incidents", "gauge", "Incidents that are up; absent where none is", counts
    sizes: list[Sample] = [({"sensor": sensor}, size) for sensor, size in leak_sizes(facts.incidents).items()]
    yield (
        "hydrolog_leak_size_cubic_meters_per_hour",
        "gauge",
        "Extra flow of the leaks that are up, as estimated",
        sizes,
    )
    readable: list[Sample] = [({}, float(not facts.incidents.problem))]
    yield "hydrolog_incidents_readable", "gauge", "0 if a file of the incidents cannot be read in full", readable


def _nights(facts: Facts) -> Iterator[Family]:
    flow: list[Sample] = [({"sensor": night.sensor}, night.flow_m3h) for night in facts.nights]
    yield "hydrolog_minimum_night_flow_cubic_meters_per_hour", "gauge", "Lowest hour of the last reported night", flow
    leakage: list[Sample] = [({"sensor": night.sensor}, night.leakage_m3h) for night in facts.nights]
    text = "Leakage of the last reported night; absent where the night use was not set"
    yield "hydrolog_night_leakage_cubic_meters_per_hour", "gauge", text, leakage


def _processes(state: Json) -> Iterator[Family]:
    processes, now_s = state["processes"], state["now"]
    ok: list[Sample] = [({"role": each["role"]}, float(each["state"] == "ok")) for each in processes]
    yield "hydrolog_process_ok", "gauge", "1 while the process does its work", ok
    states: list[Sample] = [
        ({"role": each["role"], "state": name}, float(each["state"] == name))
        for each in processes
        for name in ("ok", "warn", "bad")
    ]
    yield "hydrolog_process_state", "gauge", "1 for the state of the process, 0 for the others", states
    idle: list[Sample] = [({"role": each["role"]}, _idle_s(each, now_s)) for each in processes]
    yield "hydrolog_process_idle_seconds", "gauge", "Site seconds since the process last did its work", idle
    counted = [sample for process in processes for sample in _counters(process)]
    yield "hydrolog_process_counted", "untyped", "What a process counts", counted


def _rows(state: Json) -> Iterator[Family]:
    """The way of the rows: out of the log, to the server, and what this server received."""
    lags: list[Sample] = [({"group": group["group"]}, group["lag"]) for group in state["groups"]]
    yield "hydrolog_group_lag_rows", "gauge", "Rows of the log that a group has not committed", lags
    counters = counters_of(state, "consumer-server")
    for name, text in (("sent", "that the server has taken"), ("rejected", "that the server has refused for good")):
        rows: list[Sample] = [({}, _number(counters.get(f"rows_{name}")))]
        yield f"hydrolog_{name}_rows_total", "counter", f"Rows {text}, since the process started", rows
    waits: list[Sample] = [({}, _waiting_s(counters, state["now"]))]
    yield (
        "hydrolog_delivery_waiting_seconds",
        "gauge",
        "How long a batch has waited for the server; 0 if none does",
        waits,
    )
    received = state["received"] or {}
    yield "hydrolog_received_rows_total", "counter", "Rows received once", [({}, received.get("rows"))]
    yield "hydrolog_repeated_rows_total", "counter", "Rows that came again", [({}, received.get("repeated"))]
    text = "Real seconds since the newest received batch; absent without one"
    yield "hydrolog_received_age_seconds", "gauge", text, [({}, received.get("last_s"))]


def _center(state: Json) -> Iterator[Family]:
    """The topic that a center reads, absent elsewhere; and the sites that deliver here."""
    known = [PartitionState(**each) for each in state["topic"]]

    def of_each(value: Callable[[PartitionState], float | None]) -> list[Sample]:
        return [({"topic": each.topic, "partition": str(each.partition)}, value(each)) for each in known]

    lag = of_each(lambda each: each.lag if each.is_read else None)
    yield "hydrolog_topic_lag_messages", "gauge", "Messages of a partition that are not stored; absent if unread", lag
    behind = of_each(lambda each: each.behind_s)
    yield "hydrolog_topic_behind_seconds", "gauge", "All messages of so long ago are stored", behind
    unread = of_each(lambda each: each.unread_s)
    yield "hydrolog_topic_unread_seconds", "gauge", "Since a process last read a partition", unread
    yield from _work([WorkState(**each) for each in state["work"]])
    sites: Json = state["sites"] or {}
    yield "hydrolog_sites", "gauge", "Sites that have delivered in the last week", [({}, sites.get("known"))]
    text = "Sites of which nothing was heard for alerts.silent_box_minutes"
    yield "hydrolog_sites_silent", "gauge", text, [({}, sites.get("silent"))]


def _work(known: Sequence[WorkState]) -> Iterator[Family]:
    def of_each(value: Callable[[WorkState], int]) -> list[Sample]:
        return [({"work": each.work}, value(each)) for each in known]

    text = "Sites that have been due for 15 minutes and that no process has taken"
    yield "hydrolog_site_work_overdue", "gauge", text, of_each(lambda each: each.overdue)
    yield "hydrolog_site_work_failed", "gauge", "Sites for which the work failed", of_each(lambda each: each.failed)
    text = "Sites whose rows are awaited for 3 hours"
    yield "hydrolog_site_work_late", "gauge", text, of_each(lambda each: each.late)


def _box(state: Json, facts: Facts) -> Iterator[Family]:
    yield "hydrolog_database_up", "gauge", "1 while the database answers", [({}, float(not state["database"]))]
    yield "hydrolog_log_size_bytes", "gauge", "Size of the log file", [({}, state["log"]["bytes"])]
    yield "hydrolog_disk_free_bytes", "gauge", "Free bytes of the data folder's disk", [({}, state["disk_free"])]
    yield "hydrolog_disk_size_bytes", "gauge", "Size of the data folder's disk", [({}, facts.disk_bytes)]
    producer = counters_of(state, "producer")
    trusted = float(producer["clock"] == "trusted") if "clock" in producer else None
    text = "0 while the producer does not believe the clock, and readings wait"
    yield "hydrolog_clock_trusted", "gauge", text, [({}, trusted)]
    ends: list[Sample] = [({}, _number(counters_of(state, "server").get(CERTIFICATE_ENDS)))]
    text = "When the certificate of the page ends, seconds since 1970; absent without TLS"
    yield "hydrolog_certificate_expiry_timestamp_seconds", "gauge", text, ends
    in_step = None if facts.in_step is None else float(facts.in_step)
    yield "hydrolog_clock_synchronized", "gauge", "1 while a time service keeps the clock", [({}, in_step)]


def _of_sensors(sensors: Iterable[Json], key: str) -> list[Sample]:
    return [({"sensor": sensor["sensor"]}, sensor[key]) for sensor in sensors]


def _idle_s(process: Json, now_s: float) -> float | None:
    return None if process["success"] is None else max(0.0, now_s - process["success"])


def _waiting_s(counters: Json, now_s: float) -> float | None:
    """None if the process does not say it."""
    if "waiting_since" not in counters:
        return None
    since = counters["waiting_since"]
    try:
        return max(0.0, now_s - datetime.fromisoformat(since).timestamp()) if since else 0.0
    except (TypeError, ValueError):
        return None


def _counters(process: Json) -> list[Sample]:
    return [
        ({"role": process["role"], "counter": name}, number)
        for name, value in process["counters"].items()
        if (number := _number(value)) is not None
    ]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _family(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> str:
    lines = [f"{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples if value is not None]
    return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n{''.join(lines)}" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    quoted = (
        '{}="{}"'.format(key, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for key, value in labels.items()
    )
    return "{" + ",".join(quoted) + "}" if labels else ""
