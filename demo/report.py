"""The demo's result: one dictionary for the table and the JSON, and whether it is good."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from common import database, health
from common.clock import Clock, minute_start
from common.verdict_words import said_kind, spoken
from demo import tally
from demo.folder import DemoFolder, DemoState
from demo.tally import Comparison
from log import commits, roles
from situation import snapshot
from situation.judge import judge as judge_site

ROLES = ("producer", "consumer-archive", "consumer-server", "nightflow", "forecaster", "server", "database")
MOST_FALLS = 2  # restarts of a process in one run
SHOWN_KEYS = 20  # sensor-minutes listed in the JSON for each kind of problem

# key -> label in the table
LINES = {
    "readings_sent": "readings sent by the meters",
    "readings_read": "readings in rows at the receiver",
    "frames_refused": "frames refused",
    "rows_expected": "rows expected (sensor-minutes sent)",
    "rows_appended": "rows appended to the log",
    "rows_archived": "rows archived (REAL_VAL_TB)",
    "rows_unregistered": "rows of unregistered sensors",
    "rows_sent": "rows sent and confirmed",
    "rows_received": "rows received",
    "rows_waiting": "rows waiting in the log",
    "rows_sent_again": "rows sent again, dropped there",
    "rows_lost": "rows lost",
    "rows_repeated": "rows repeated",
    "rows_wrong": "rows with other values than sent",
    "night_windows_complete": "night windows stored, complete",
    "night_windows_incomplete": "night windows stored, incomplete",
    "forecasts": "hourly forecasts made",
    "models": "forecast by",
    "outliers": "values flagged",
}


@dataclass(frozen=True)
class DemoResult:
    """The demo's result since the folder's first start."""

    values: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether nothing was lost or repeated, every value is as sent, and each process did its work."""
        return not self.complaints

    @property
    def complaints(self) -> list[str]:
        values = self.values
        found = [f"{values[key]:,} {LINES[key]}" for key in ("rows_lost", "rows_repeated", "rows_wrong") if values[key]]
        if not values["rows_received"]:
            found.append("nothing was received")
        found += [f"{role}: {state}" for role, state in values["processes"].items() if state != "ok"]
        return found

    def table(self) -> Table:
        """The table for people."""
        table = Table(title="hydrolog demo", title_justify="left", show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(justify="right")
        table.add_row("site time", f"{self.values['site_from']}\n{self.values['site_to']}")
        for key, text in LINES.items():
            table.add_row(text, _shown(self.values[key]))
        for role, state in self.values["processes"].items():
            table.add_row(role, state)
        said = said_kind(self.values["verdict"]["kind"], "en")
        table.add_row("verdict", "\n".join([said, *(each["line"] for each in self.values["verdict"]["problems"])]))
        return table


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "0"
    return f"{value:,}"


def judge(folder: DemoFolder, started: datetime, falls: Mapping[str, int]) -> dict[str, str]:
    """The state of each process in the run since `started` (site time): "ok", or the problem.

    `falls`: restarts of each; a few are allowed, because people try it.
    """
    states = health.load_all(folder.data)
    return {role: _judged(role, states.get(role), started, falls) for role in ROLES}


def site_verdict(folder: DemoFolder, clock: Clock) -> dict[str, Any]:
    """The verdict on the demo's site, as the page shows it."""
    settings = folder.settings()
    found = judge_site(snapshot.take(settings, clock), settings).verdict
    return {"kind": found.kind, "problems": [spoken(problem) for problem in found.problems]}


def collect(folder: DemoFolder, state: DemoState, judged: dict[str, str], verdict: dict[str, Any]) -> DemoResult:
    """Count everything; the database must still run.

    `judged` and `verdict`: the processes' states and the verdict on the site while the line was still active.

    Raises:
        DatabaseDown, LogError: one of them cannot be read.
    """
    settings = folder.settings()
    with folder.truth.open(encoding="ascii") as file:
        truth = tally.read_truth(file)
    sent_log = roles.open_for(settings)
    try:
        committed = commits.read(folder.data, "server") or 0
        waiting = tally.waiting_rows(sent_log, committed)
        appended = sent_log.end_offset
    finally:
        sent_log.close()
    last_s = (max((minute for minute, _ in truth), default=0) + 1) * 60.0
    with database.connect(database.address(settings), "demo") as connection:
        compared = tally.compare(truth, tally.received_rows(connection), waiting, state.gaps or ())
        counted = tally.counts(connection, state.first_s, last_s)
    producer = health.load_all(folder.data).get("producer", {})
    zone = settings.site.zone
    values = {
        "site_from": _local(state.first_s, zone),
        "site_to": _local(last_s, zone),
        **_compared(compared),
        **counted,
        "rows_appended": appended,
        "rows_sent": committed,
        "rows_waiting": len(waiting),
        "frames_refused": _refused(producer),
        "processes": judged,
        "verdict": verdict,
    }
    return DemoResult(values)


def _compared(compared: Comparison) -> dict[str, Any]:
    wrong = compared.wrong + compared.unknown
    return {
        "readings_sent": compared.readings_sent,
        "readings_read": compared.readings_read,
        "readings_lost": compared.readings_lost,
        "rows_expected": compared.minutes_sent,
        "rows_lost": len(compared.lost),
        "rows_repeated": len(compared.repeated),
        "rows_wrong": len(wrong),
        "lost": _named(compared.lost),
        "repeated": _named(compared.repeated),
        "wrong": _named(wrong),
    }


def _named(keys: list[tally.Key]) -> list[str]:
    return [f"{minute_start(minute).isoformat()} {sensor}" for minute, sensor in keys[:SHOWN_KEYS]]


def _local(time_s: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_s, UTC).astimezone(zone).isoformat(sep=" ", timespec="minutes")


def _refused(producer: Mapping[str, Any]) -> dict[str, int]:
    """Refused frames by reason, including late readings, since the producer's last start."""
    counters = producer.get("counters", {})
    late = {"late": counters["late"]} if counters.get("late") else {}
    return {**counters.get("frames_refused", {}), **late}


def _judged(role: str, state: Mapping[str, Any] | None, started: datetime, falls: Mapping[str, int]) -> str:
    """ "ok", or a process's problem in this run."""
    if state is None:
        return "never started"
    fell = falls.get(role, 0)
    if role == "database":  # Postgres is its child process
        fell += max(state.get("counters", {}).get("starts", 1) - 1, 0)
    if fell > MOST_FALLS:
        return f"fell over {fell} times; see logs/{role}.log"
    success = state.get("last_success")
    if not success or datetime.fromisoformat(success) < started:
        return f"no success: {state.get('last_problem') or 'unknown'}"
    return f"problem: {state['problem']}" if state.get("problem") else "ok"
