"""`hydrolog status`: the state of each process and each sensor, the same as on the page."""

import json
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from cli import shell
from common import database, settings, time_service
from common.clock import FUTURE_S, Clock, SystemClock, local_text
from common.clock_words import listed
from common.errors import DatabaseDown
from common.messages import LANGUAGES, Catalogue, words
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
    parser.add_argument("--language", choices=LANGUAGES, help="instead of the site's")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    state = read(chosen, shell.site_clock(chosen.paths.data), options.language or "")
    if options.json:
        sys.stdout.write(json.dumps(state, indent=1) + "\n")
    else:
        _show(shell.console(), chosen, state)
    return 1 if state["verdict"]["act"] else 0


def read(chosen: Settings, time: Clock, language: str = "") -> Json:
    """The state of the box as on the page, plus local details; in the site's language if none is given."""
    from server import state as page

    with closing(database.Database(chosen, "status")) as connection:
        state = page.read(connection, chosen, time, language)
        newest = _newest_rows(connection, chosen.site.id, time) if not state["database"] else {}
    for sensor in state["sensors"]:
        sensor.update(newest.get(sensor["sensor"], {}))
    state["time_service"] = time_service.in_step() if isinstance(time, SystemClock) else None
    return state


def _newest_rows(connection: database.Database, site: str, time: Clock) -> dict[str, Json]:
    """Samples and flags of each registered sensor's newest row up to now; empty while the database is down."""
    from situation.snapshot import PIPELINE_S, speed_of

    until = time.now() + timedelta(seconds=FUTURE_S + PIPELINE_S * speed_of(time))
    try:
        with connection.transaction() as cursor:
            cursor.execute(database.statement("sensor_newest"), {"site": site, "until": until})
            return {
                sensor: {"samples": samples, "flow_flags": flow_flags, "pressure_flags": pressure_flags}
                for sensor, samples, flow_flags, pressure_flags in cursor.fetchall()
            }
    except DatabaseDown:
        return {}


def _show(console: Console, chosen: Settings, state: Json) -> None:
    catalogue = words(state["language"])
    console.print(_processes(state, catalogue))
    console.print(_sensors(chosen, state, catalogue))
    for line, style in _lines(chosen, state, catalogue):
        console.print(line, style=style, soft_wrap=True)
    for problem in state["verdict"]["problems"]:
        watch = problem["kind"] == WATCH
        call, style = (catalogue.say("watch"), STYLES["warn"]) if watch else (catalogue.say("look"), STYLES["bad"])
        console.print(f"{call}: {shell.printable(problem['line'])}", style=style, soft_wrap=True)
    shelved = catalogue.say("shelved")
    for problem in state["verdict"]["shelved"]:
        console.print(f"{shelved}: {shell.printable(problem['line'])}", soft_wrap=True)
    console.print(state["verdict"]["said"], style=STYLES["bad" if state["verdict"]["act"] else "ok"])


def _lines(chosen: Settings, state: Json, catalogue: Catalogue) -> Iterable[tuple[str, str | None]]:
    """What stands below the tables, each with its style."""
    if state["clock_offsets_s"]:
        yield (
            catalogue.say(
                "clocks of the meters: {clocks}", clocks=listed(state["clock_offsets_s"], catalogue.language)
            ),
            None,
        )
    for unknown in state["unregistered"]:
        name, first = shell.printable(unknown["sensor"]), _local(unknown["first"], chosen)
        yield (
            catalogue.say(
                "sensor {sensor} is not registered; its rows are kept since {first}; {command}",
                sensor=name,
                first=first,
                command="hydrolog sensors add " + name,
            ),
            "yellow",
        )
    yield _log_line(chosen, state, catalogue), None
    yield _versions(state, catalogue), None
    if state["time_service"] is not None:
        kept, alone = catalogue.say("clock: kept by a time service"), catalogue.say("clock: no time service keeps it")
        yield kept if state["time_service"] else alone, None


def _processes(state: Json, catalogue: Catalogue) -> Table:
    lags = {f"consumer-{group['group']}": group["lag"] for group in state["groups"]}
    whole = [catalogue.say("process"), catalogue.say("last success"), catalogue.say("behind")]
    table = shell.table(
        whole[0], catalogue.say("state"), whole[1], whole[2], catalogue.say("counters"), whole=tuple(whole)
    )
    for process in state["processes"]:
        success = process["success"]
        lag = lags.get(process["role"], process["counters"].get("lag"))  # of a center only the process itself knows
        ago = span(state["now"] - success, catalogue.language) if success is not None else ""
        table.add_row(
            shell.cell(process["role"]),
            shell.cell(_words(process), STYLES[process["state"]]),
            catalogue.say("{span} ago", span=ago) if ago else catalogue.say("never"),
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


def _sensors(chosen: Settings, state: Json, catalogue: Catalogue) -> Table:
    narrow = [catalogue.say("name"), catalogue.say("condition")]
    headings = [
        catalogue.say("sensor"),
        narrow[0],
        catalogue.say("newest row"),
        catalogue.say("age"),
        "m3/h",
        "bar",
        catalogue.say("readings"),
        narrow[1],
    ]
    table = shell.table(*headings, whole=[heading for heading in headings if heading not in narrow])
    for sensor in state["sensors"]:
        table.add_row(
            shell.cell(sensor["sensor"]),
            shell.cell(sensor["name"]),
            _local(sensor["newest"], chosen) if sensor["newest"] is not None else catalogue.say("none"),
            span(sensor["age_s"], catalogue.language) if sensor["age_s"] is not None else "",
            shell.number(sensor.get("flow")),
            shell.number(sensor.get("pressure")),
            str(sensor.get("samples", "")),
            shell.cell("; ".join([_words(sensor), *_flag_words(sensor, catalogue)]), STYLES[sensor["state"]]),
        )
    return table


def _flag_words(sensor: Json, catalogue: Catalogue) -> Iterable[str]:
    for channel, name in (("flow", catalogue.say("flow")), ("pressure", catalogue.say("pressure"))):
        written = sensor.get(f"{channel}_flags", "")
        for flag in flags.explain(channel, written.upper()):
            method, meaning = catalogue.say(flag.method), catalogue.say(flag.meaning)
            if written[flag.position].islower():
                meaning = catalogue.say("during planned work: {work}", work=meaning)
            yield f"{name} {method}: {meaning}"


def _log_line(chosen: Settings, state: Json, catalogue: Catalogue) -> str:
    log = state["log"]
    size = _megabytes(log["bytes"]) if log["bytes"] is not None else catalogue.say("no server_data.txt yet")
    if chosen.is_http_center:
        return catalogue.say("log: none; what boxes deliver goes to the database")
    if chosen.is_center:
        size = shell.printable(chosen.log.url)
    if log["end_offset"] is None:
        return catalogue.say("log: {size}", size=size)
    return catalogue.say("log: {size}, next offset {offset}", size=size, offset=log["end_offset"])


def _versions(state: Json, catalogue: Catalogue) -> str:
    """This version, and the processes that run a different one because they were not restarted after an update."""
    found = [catalogue.say("version: {version}", version=state["version"])]
    for process in state["processes"]:
        if process["version"] not in ("", state["version"]):
            role, version = shell.printable(process["role"]), shell.printable(process["version"])
            found.append(catalogue.say("{role} runs {version}", role=role, version=version))
    return "; ".join(found)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} B"


def _local(seconds: int, chosen: Settings) -> str:
    return local_text(datetime.fromtimestamp(seconds, UTC), chosen.site.zone)
