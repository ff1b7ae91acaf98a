"""A data folder, a server and a clock for the tests of the delivery."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from http_server import HttpServer

from common.clock import minute_of
from common.errors import NotDelivered
from common.row import Row, format_payload
from common.runner import Context
from common.settings import Settings
from consumer.delivery import Delivery
from log import commits
from log.roles import Log, open_for

START = datetime(2024, 8, 26, 7, 30, tzinfo=UTC)
FIRST = minute_of(START)
TOKEN = "s3cret-of-the-test"


@dataclass
class Watch:
    """A clock that is put forward by hand."""

    at: datetime = START
    waited_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.waited_s

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        raise AssertionError("the delivery never sleeps")

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)
        self.waited_s += timedelta(**by).total_seconds()


class Site:
    """A log with rows, a server, and a worker that can be started anew."""

    def __init__(self, settings: Settings, server: HttpServer) -> None:
        self.settings, self.server = settings, server
        self.data = settings.paths.data
        self.watch = Watch()
        self.log: Log = open_for(settings)
        self.worker = self.started()

    def started(self) -> Delivery:
        return Delivery(Context(self.settings, self.watch, threading.Event(), "consumer-server"))

    def restart(self) -> None:
        self.worker.close()
        self.worker = self.started()

    def append(self, minutes: int, sensors: tuple[str, ...] = ("001",), first: int = FIRST) -> None:
        self.log.append(
            [
                format_payload(Row(first + minute, sensor, 8.0 + minute / 100, 4.1, 60), self.settings.site.zone)
                for minute in range(minutes)
                for sensor in sensors
            ]
        )

    def step(self) -> dict[str, object]:
        return dict(self.worker.step(self.watch.now()))

    def attempt_then_forecast(self) -> None:
        """Ten rows are kept but not answered; then the hour's forecast comes, and a new process tries again."""
        self.append(10, first=FIRST + 30)
        self.watch.later(minutes=42)
        with pytest.raises(NotDelivered):
            self.step()
        hour = "2024-08-26T17:00:00+09:00"
        (self.data / "sensor_data.csv").write_text(f"sensor,made_at,hour,flow,pressure\n001,{hour},{hour},9.5,4.2\n")
        self.restart()
        self.watch.later(minutes=1)
        self.step()

    def try_for(self, hours: float) -> str:
        """Step for so long; the last problem."""
        problem = ""
        for _ in range(int(hours * 360)):
            try:
                self.step()
            except NotDelivered as error:
                problem = str(error)
            self.watch.later(seconds=10)
        return problem

    @property
    def committed(self) -> int:
        return commits.read(self.data, "server") or 0

    def delivered_once(self, count: int) -> bool:
        offsets = sorted(offset for _, offset in self.server.rows)
        return offsets == list(range(count)) and not self.server.conflicts


MakeSite = Callable[..., Site]
