"""`hydrolog status`: the state of each process and each sensor, the same as on the page."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from cli import shell
from common import database, settings, time_service
from common.clock import FUTURE_S, Clock, SystemClock
from common.clock_words import listed
from common.errors import DatabaseDown
from common.settings import Settings
from common.verdict import WATCH
from common.verdict_words import span
from outliers import flags

STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red"}
MAX_COUNTERS = 6  # counters shown per process; --json has all
Json = dict[str, Any]


def run(args: list[str]) -> int:
    """Print the state; exit code 0 if no action is needed, else 1."""
    parser = shell.parser("status", "The state of each process and sensor. Exit code 1: something needs attention.")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    state = read(chosen, shell.site_clock(chosen.paths.data))
    if options.json:
        sys.stdout.write(json.dumps(state, indent=1) + "\n")
    else:
        _show(shell.console(), chosen, state)
    return 1 if state["verdict"]["act"] else 0


def read(chosen: Settings, time: Clock) -> Json:
    """The state of the box as on the page, plus local details."""
    from server import state as page

    connection = database.Database(chosen, "status")
    try:
        state = page.read(connection, chosen, time)
        newest = _newest_rows(connection, time) if not state["database"] else {}
    finally:
        connection.close()
    for sensor in state["sensors"]:
        sensor.update(newest.get(sensor["sensor"], {}))
    state["time_service"] = time_service.in_step() if isinstance(time, SystemClock) else None
    return state


def _newest_rows(connection: database.Database, time: Clock) -> dict[str, Json]:
    """Samples and flags of each registered sensor's newest row up to now; empty while the database is down."""
    from situation.snapshot import PIPELINE_S, speed_of

    until = time.now() + timedelta(seconds=FUTURE_S + PIPELINE_S * speed_of(time))
    try:
        with connection.transaction() as cursor:
            cursor.execute(database.statement("sensor_newest"), {"until": until})
            return {
                sensor: {"samples": samples, "flow_flags": flow_flags, "pressure_flags": pressure_flags}
                for sensor, samples, flow_flags, pressure_flags in cursor.fetchall()
            }
    except DatabaseDown:
        return {}


def _show(console: Console, chosen: Settings, state: Json) -> None:
    console.print(_processes(state))
    console.print(_sensors(chosen, state))
    if state["clock_offsets_s"]:
        console.print(f"clocks of the meters: {listed(state['clock_offsets_s'])}", soft_wrap=True)
    for unknown in state["unregistered"]:
        name, first = shell.printable(unknown["sensor"]), _local(unknown["first"], chosen)
        advice = f"sensor {name} is not registered; its rows are kept since {first}; hydrolog sensors add {name}"
        console.print(advice, style="yellow", soft_wrap=True)
    console.print(_log_line(chosen, state), soft_wrap=True)
    console.print(_versions(state), soft_wrap=True)
    if state["time_service"] is not None:
        console.print(f"clock: {'kept by a time service' if state['time_service'] else 'no time service keeps it'}")
    for problem in state["verdict"]["problems"]:
        call, style = ("watch", STYLES["warn"]) if problem["kind"] == WATCH else ("look", STYLES["bad"])
        console.print(f"{call}: {shell.printable(problem['line'])}", style=style, soft_wrap=True)
    for problem in state["verdict"]["shelved"]:
        console.print(f"shelved: {shell.printable(problem['line'])}", soft_wrap=True)
    console.print(state["verdict"]["said"], style=STYLES["bad" if state["verdict"]["act"] else "ok"])


def _processes(state: Json) -> Table:
    lags = {f"consumer-{group['group']}": group["lag"] for group in state["groups"]}
    table = shell.table(
        "process", "state", "last success", "behind", "counters", whole=("process", "last success", "behind")
    )
    for process in state["processes"]:
        success = process["success"]
        lag = lags.get(process["role"])
        table.add_row(
            shell.cell(process["role"]),
            shell.cell(_words(process), STYLES[process["state"]]),
            f"{span(state['now'] - success)} ago" if success is not None else "never",
            "" if lag is None else str(lag),
            shell.cell(_counters(process["counters"])),
        )
    return table


def _words(entry: Json) -> str:
    return f"{entry['word']}: {entry['detail']}" if entry["detail"] else str(entry["word"])


def _counters(counters: Json) -> str:
    """The first few counters that are not zero or empty."""
    told = [f"{name}={_short(value)}" for name, value in counters.items() if value and name not in ("lag", "problem")]
    return " ".join(told[:MAX_COUNTERS]) + (" ..." if len(told) > MAX_COUNTERS else "")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{count}" for name, count in value.items())
    return str(value)


def _sensors(chosen: Settings, state: Json) -> Table:
    headings = ("sensor", "name", "newest row", "age", "m3/h", "bar", "readings", "state")
    table = shell.table(*headings, whole=[heading for heading in headings if heading not in ("name", "state")])
    for sensor in state["sensors"]:
        table.add_row(
            shell.cell(sensor["sensor"]),
            shell.cell(sensor["name"]),
            _local(sensor["newest"], chosen),
            span(sensor["age_s"]) if sensor["age_s"] is not None else "",
            shell.number(sensor.get("flow")),
            shell.number(sensor.get("pressure")),
            str(sensor.get("samples", "")),
            shell.cell("; ".join([_words(sensor), *_flag_words(sensor)]), STYLES[sensor["state"]]),
        )
    return table


def _flag_words(sensor: Json) -> Iterable[str]:
    for channel in ("flow", "pressure"):
        for flag in flags.explain(channel, sensor.get(f"{channel}_flags", "")):
            yield f"{channel} {flag.method}: {flag.meaning}"


def _log_line(chosen: Settings, state: Json) -> str:
    log = state["log"]
    size = _megabytes(log["bytes"]) if log["bytes"] is not None else "no server_data.txt yet"
    if chosen.log.url != "file":
        size = shell.printable(chosen.log.url)
    return f"log: {size}" + (f", next offset {log['end_offset']}" if log["end_offset"] is not None else "")


def _versions(state: Json) -> str:
    """This version, and the processes that run a different one because they were not restarted after an update."""
    words = [f"version: {state['version']}"]
    for process in state["processes"]:
        if process["version"] not in ("", state["version"]):
            words.append(shell.printable(f"{process['role']} runs {process['version']}"))
    return "; ".join(words)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _local(seconds: int | None, chosen: Settings) -> str:
    if seconds is None:
        return "none"
    return datetime.fromtimestamp(seconds, UTC).astimezone(chosen.site.zone).strftime("%Y-%m-%d %H:%M")
