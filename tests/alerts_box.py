"""A data folder with a log and findings, for the tests of the alerts; and a messenger that can be asked what it got."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from http_server import HttpServer

from common.clock import minute_of
from common.row import Row, format_payload
from common.runner import Context
from common.settings import Settings
from consumer.alerts.worker import Alerts
from log.roles import open_for
from outliers import findings
from outliers.findings import Finding

START = datetime(2024, 8, 26, 3, 0, tzinfo=UTC)
FIRST = minute_of(START)
LEAK = "001/flow/LEAK/20240826T0300Z"  # the name of a leak that is found in the first minute
NAME = re.compile(r"^\((\S+/\S+/\S+/\d{8}T\d{4}Z)\)$", re.MULTILINE)


@dataclass
class HandClock:
    """Time that only a test moves."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(0)

    def pass_(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class Site:
    """Writes rows and findings as the producer does: the findings first."""

    settings: Settings
    minute: int = FIRST
    found: list[Finding] = field(default_factory=list)
    clock: HandClock = field(default_factory=HandClock)

    def rows(self, flow_flags: str = "0000", pressure_flags: str = "000", count: int = 1, sensor: str = "001") -> None:
        log = open_for(self.settings)
        rows = [Row(self.minute + place, sensor, 8.02, 4.11, 60, flow_flags, pressure_flags) for place in range(count)]
        log.append([format_payload(row, self.settings.site.zone) for row in rows])
        log.close()
        self.minute += count

    def finds(self, state: str, severity: str = "leak", code: str = "LEAK", reason: str = "flow is up") -> None:
        """Raise or clear a finding at the next row."""
        method = "SYSTEM" if severity == "fault" else "PREDICT"
        self.found.append(
            Finding("001", self.minute, self.minute, "flow", method, code, severity, severity, state, text=reason)
        )
        findings.store(self.settings.paths.data / "findings.json", self.found)

    def leak(self, reason: str = "flow is 2.1 m3/h over forecast") -> None:
        self.finds("raise", reason=reason)
        self.rows("00L0")

    def leak_over(self) -> None:
        self.finds("clear", reason="flow is back")
        self.rows()

    def alerts(self) -> Alerts:
        return Alerts(Context(self.settings, self.clock, threading.Event(), "consumer-alerts"))


def webhook(server: HttpServer, name: str = "hook") -> str:
    """The address of a server; it wants a key with every request."""
    return f"json://127.0.0.1:{server.port}/{name}?+Idempotency-Key={name}"


def bodies(server: HttpServer) -> list[dict[str, str]]:
    return [json.loads(request.body) for request in server.requests]


def told(server: HttpServer) -> list[str]:
    """The events that a messenger was told, in order, "+name" or "-name" for over."""
    said = []
    for body in bodies(server):
        for paragraph in body["message"].split("\n\n"):
            if name := NAME.search(paragraph):
                said.append(("-" if paragraph.startswith("OVER") or " was up from " in paragraph else "+") + name[1])
    return said


def twice(said: list[str]) -> list[str]:
    return [name for name, count in Counter(said).items() if count > 1]


Make = Callable[..., Site]
