"""A data folder with a log and incidents, for the tests of the alerts; and what a messenger has got."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from http_server import HttpServer

from common import state_file
from common.clock import minute_of, minute_start
from common.folder import INCIDENTS_FILE
from common.row import Row, format_payload
from common.runner import Context
from common.settings import Settings
from consumer.alerts.worker import Alerts
from incidents import acts
from incidents.acts import Do
from incidents.incident import Incident, Sign
from incidents.reading import IncidentsFile
from log.roles import open_for

START = datetime(2024, 8, 26, 3, 0, tzinfo=UTC)
FIRST = minute_of(START)
LEAK = "001-20240826T0300Z-leak"  # the id of a leak that is found in the first minute
OVER = re.compile(r"Over: |\[[\w ]+: over\]")
NAME = re.compile(r"^\(([^\s()]+\d{8}T\d{4}Z[-\w]*)\)$", re.MULTILINE)


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
    """Writes rows and incidents as the producer does: the incidents first."""

    settings: Settings
    minute: int = FIRST
    known: list[Incident] = field(default_factory=list)
    clock: HandClock = field(default_factory=HandClock)

    def rows(self, flow_flags: str = "0000", pressure_flags: str = "000", count: int = 1, sensor: str = "001") -> None:
        log = open_for(self.settings)
        rows = [Row(self.minute + place, sensor, 8.02, 4.11, 60, flow_flags, pressure_flags) for place in range(count)]
        log.append([format_payload(row, self.settings.site.zone) for row in rows])
        log.close()
        self.minute += count

    def raises(self, severity: str = "leak", code: str = "LEAK", sensor: str = "001", **more: Any) -> Incident:
        """A new incident with one sign, at the next row."""
        method = "SYSTEM" if severity == "fault" else "PREDICT"
        kind = "leak" if severity in ("watch", "planned") else severity
        name = f"{sensor}-{minute_start(self.minute):%Y%m%dT%H%MZ}-{kind}"
        sign = Sign(code, method, "flow", severity, self.minute, self.minute)
        self.known.append(Incident(name, "site-1", sensor, kind, self.minute, self.minute, signs=[sign], **more))
        self.store()
        return self.known[-1]

    def ends(self, incident: Incident) -> None:
        incident.ended = self.minute
        for sign in incident.up:
            sign.ended = self.minute
        self.store()

    def store(self) -> None:
        state_file.store(self.settings.paths.data / INCIDENTS_FILE, IncidentsFile(incidents=self.known))

    def acts(self, incident: Incident, do: Do, **more: Any) -> None:
        acts.append(self.settings.paths.data, acts.new(incident.id, "Kim", self.clock.now(), do, **more))

    def leak(self) -> Incident:
        found = self.raises()
        self.rows("00L0")
        return found

    def leak_over(self) -> None:
        self.ends(self.known[-1])
        self.rows()

    def step(self, alerts: Alerts, **span: float) -> Mapping[str, Any]:
        """One step, after a while."""
        self.clock.pass_(**span)
        return alerts.step(self.clock.now())

    def alerts(self) -> Alerts:
        return Alerts(Context(self.settings, self.clock, threading.Event(), "consumer-alerts"))


def webhook(server: HttpServer, name: str = "hook") -> str:
    """The address of a server; it wants a key with every request."""
    return f"json://127.0.0.1:{server.port}/{name}?+Idempotency-Key={name}"


def bodies(server: HttpServer) -> list[dict[str, str]]:
    return [json.loads(request.body) for request in server.requests]


def told(server: HttpServer) -> list[str]:
    """The news that a messenger was told, in order, "+id" or "-id" for over."""
    said = []
    for body in bodies(server):
        names = NAME.findall(body["message"])
        alone = OVER.match(body["title"])
        for name in names:
            (paragraph,) = (part for part in body["message"].split("\n\n") if f"({name})" in part.splitlines())
            over = alone if len(names) == 1 else OVER.match(paragraph)
            said.append(f"{'-' if over else '+'}{name}")
    return said


def twice(said: list[str]) -> list[str]:
    return [name for name, count in Counter(said).items() if count > 1]


Make = Callable[..., Site]
