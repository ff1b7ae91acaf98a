"""The state in Prometheus's text format 0.0.4. Pure."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from common.verdict import KINDS

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float | None]


def render(state: Mapping[str, Any]) -> str:
    """All metrics of one state; unknown values are omitted."""
    processes, sensors = state["processes"], state["sensors"]
    received = state["received"] or {}
    families: list[tuple[str, str, str, Iterable[Sample]]] = [
        ("hydrolog_build_info", "gauge", "Which version this is", [({"version": state["version"]}, 1.0)]),
        (
            "hydrolog_verdict",
            "gauge",
            "1 for the site's verdict, 0 for the others",
            [({"verdict": kind}, float(kind == state["verdict"]["kind"])) for kind in KINDS],
        ),
        (
            "hydrolog_newest_row_age_seconds",
            "gauge",
            "Site seconds since the end of a sensor's newest minute",
            [({"sensor": sensor["sensor"]}, sensor["age_s"]) for sensor in sensors],
        ),
        (
            "hydrolog_newest_row_ahead_seconds",
            "gauge",
            "How far the newest row is in the future; absent if none is",
            [({}, state["future"] - state["now"] if state.get("future") else None)],
        ),
        (
            "hydrolog_process_ok",
            "gauge",
            "1 while the process does its work",
            [({"role": process["role"]}, float(process["state"] == "ok")) for process in processes],
        ),
        (
            "hydrolog_process_idle_seconds",
            "gauge",
            "Site seconds since the process last did its work",
            [({"role": process["role"]}, _idle_s(process, state["now"])) for process in processes],
        ),
        (
            "hydrolog_process_counter",
            "untyped",
            "What a process counts",
            [sample for process in processes for sample in _counters(process)],
        ),
        (
            "hydrolog_group_lag_rows",
            "gauge",
            "Rows of the log that a group has not committed",
            [({"group": group["group"]}, group["lag"]) for group in state["groups"]],
        ),
        ("hydrolog_database_up", "gauge", "1 while the database answers", [({}, float(not state["database"]))]),
        ("hydrolog_received_rows_total", "counter", "Rows received once", [({}, received.get("rows"))]),
        ("hydrolog_repeated_rows_total", "counter", "Rows that came again", [({}, received.get("repeated"))]),
        ("hydrolog_unregistered_sensors", "gauge", "Sensors nobody knows", [({}, len(state["unregistered"]))]),
    ]
    return "".join(_family(*family) for family in families)


def _idle_s(process: Mapping[str, Any], now_s: float) -> float | None:
    return None if process["success"] is None else max(0.0, now_s - process["success"])


def _counters(process: Mapping[str, Any]) -> list[Sample]:
    return [
        ({"role": process["role"], "counter": name}, float(value))
        for name, value in process["counters"].items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]


def _family(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> str:
    lines = [f"{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples if value is not None]
    return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n{''.join(lines)}" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    quoted = (
        '{}="{}"'.format(key, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for key, value in labels.items()
    )
    return "{" + ",".join(quoted) + "}" if labels else ""
