"""`hydrolog replay SENSOR=FILE ...`: run recorded minutes through the pipeline at full speed.

The same steps as live: frames, minutes, flags, the log, the archive, night flow. Only the clock and the line are
replaced: the clock is at the end of each portion of frames, and the line returns them. It uses its own folder and its
own Postgres and sends nothing, so live data is not touched.
"""

import argparse
import dataclasses
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import database, settings
from common.clock import minute_start
from common.errors import HydrologError, SettingsError
from common.options import Parser
from common.runner import Context, Worker
from postgres import server

if TYPE_CHECKING:
    from rich.console import Console

    from producer.recording import Recording

FOLDER = Path("var") / "replay"
SILENCE = timedelta(hours=1)  # after the last frame: longer than any wait for late rows
NIGHT_EVERY = timedelta(hours=6)  # between two steps of night flow, whose results do not depend on it
RESULTS = {
    "outliers.csv": "SELECT * FROM OUTLIER_TB ORDER BY sensor, time, channel, method",
    "night_means.csv": "SELECT * FROM NIGHT_FLOW_VAL_TB ORDER BY sensor, time",
}


@dataclass
class ReplayResult:
    """The processes' counters, and the real seconds that each took."""

    counters: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def step(self, name: str, worker: Worker, now: datetime) -> None:
        """One step of a process, counted and timed."""
        began_s = time.perf_counter()
        self.counters[name] = worker.step(now)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began_s


class FolderTaken(HydrologError):
    """The folder already has rows."""

    exit_code = 2


@dataclass
class ReplayClock:
    """The site's time follows the replay; waits return at once."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def wait(self, _seconds: float, stop: threading.Event) -> bool:
        return stop.is_set()


def run(args: list[str]) -> int:
    """Replay, and print the result."""
    from rich.console import Console

    options = _parser().parse_args(args)
    chosen = _settings(options.config, options.data)
    recordings = _recordings(options.files)
    with server.running(chosen.paths.data, chosen.site.id):
        register(chosen, list(recordings))
        result = replay(chosen, recordings, Console(stderr=True))
        _write_results(chosen, options.data)
    _show(Console(), result, options.data)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog replay",
        description="Run recorded minutes (CSV time,flow,pressure; local time; plain or .gz) through frames, "
        "minutes, flags, log, archive and night flow at full speed, in a separate folder and database. "
        "Nothing is sent and nothing is forecast. The folder then has the outliers and the nights.",
    )
    parser.add_argument("files", nargs="+", metavar="SENSOR=FILE", help="a sensor's id and its recording")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file, for the site's zone and nights")
    parser.add_argument("--data", type=Path, default=FOLDER, metavar="FOLDER", help=f"a new folder (default: {FOLDER})")
    return parser


def _settings(config: Path | None, folder: Path) -> settings.Settings:
    """The user's settings, but with the replay's folder and without a server."""
    data = folder.absolute() / "data"
    if data.exists():
        raise FolderTaken(f"--data: {folder} was used before; name a new one, or remove it")
    chosen = settings.load(config)
    return dataclasses.replace(
        chosen,
        paths=settings.PathsSettings(data),
        log=dataclasses.replace(chosen.log, url="file", groups=("archive",)),
        database=settings.DatabaseSettings(""),
    )


def _recordings(texts: list[str]) -> "dict[str, Recording]":
    from common.row import SENSOR_ID
    from producer import recording

    found = {}
    for text in texts:
        sensor, separator, name = text.partition("=")
        if not separator or not SENSOR_ID.fullmatch(sensor):
            raise SettingsError("SENSOR=FILE", f"needs an id like 001 and a file, is {text!r}")
        found[sensor] = recording.load(Path(name))
    return found


def replay(chosen: settings.Settings, recordings: "Mapping[str, Recording]", console: "Console") -> ReplayResult:
    """Run all minutes of the recordings through the pipeline.

    Raises:
        HydrologError: the log or the database cannot be used.
    """
    from rich.progress import Progress

    from consumer.archive import Archive
    from nightflow.step import NightFlow
    from producer.replay import PORTION_MIN, ReplayedLine, ReplayedProducer, portions, span

    first, last = span(recordings, chosen.site.zone)
    clock = ReplayClock(minute_start(first))
    context = Context(chosen, clock, threading.Event(), "replay")
    line = ReplayedLine()
    workers: dict[str, Worker] = {
        "producer": ReplayedProducer(context, line),
        "archive": Archive(context),
        "nightflow": NightFlow(context),
    }
    result = ReplayResult()
    next_look = clock.at
    with Progress(console=console) as bars:
        bar = bars.add_task("replay", total=(last - first) / PORTION_MIN)
        try:
            for clock.at, line.waiting in portions(recordings, chosen.site.zone):
                result.step("producer", workers["producer"], clock.at)
                result.step("archive", workers["archive"], clock.at)
                if clock.at >= next_look:
                    result.step("nightflow", workers["nightflow"], clock.at)
                    next_look = clock.at + NIGHT_EVERY
                bars.advance(bar)
            clock.at += SILENCE  # closes the last minute and makes the last window due
            for name, worker in workers.items():
                result.step(name, worker, clock.at)
        finally:
            for worker in workers.values():
                worker.close()
    return result


def register(chosen: settings.Settings, sensors: list[str]) -> None:
    """Register the sensors, so their rows are archived in the main table."""
    with database.connect(database.address(chosen), "replay") as connection:
        for sensor in sensors:
            point = {"site": chosen.site.id, "sensor": sensor}
            connection.execute(database.statement("sensor_register").encode(), point)


def _write_results(chosen: settings.Settings, folder: Path) -> None:
    with database.connect(database.address(chosen), "replay") as connection, connection.cursor() as cursor:
        for name, query in RESULTS.items():
            copy = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)".encode()
            with (folder / name).open("wb") as file, cursor.copy(copy) as rows:
                for block in rows:
                    file.write(block)


def _show(console: "Console", result: ReplayResult, folder: Path) -> None:
    from rich.table import Table

    table = Table("process", "real seconds", "counted", title="hydrolog replay", title_justify="left")
    for name, counters in result.counters.items():
        counted = ", ".join(f"{key} {value}" for key, value in counters.items() if value not in ("", {}))
        table.add_row(name, f"{result.seconds[name]:.1f}", counted)
    console.print(table)
    console.print(f"in {folder}: {', '.join(RESULTS)}", highlight=False)
