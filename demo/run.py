"""One run of the demo, from an empty folder or the last stop, until the last process has ended."""

import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from common import health
from common.clock import ScaledClock, minute_of
from common.errors import DatabaseDown, Stopped
from common.folder import LOG_FILE
from common.roles import RoleLock
from demo import group as groups
from demo import report, tally
from demo.folder import SAVE_EVERY_S, DemoFolder, DemoState
from demo.group import GroupFailed, ProcessGroup
from demo.prepare import HYDROLOG, prepare
from demo.recordings import ZONE, Recordings
from demo.report import DemoResult
from log import commits, mark
from postgres import server

SAY_EVERY_S = 5.0  # real seconds between two progress lines
LOOK_S = 0.2
DRAIN_S = 45.0  # real seconds: a ten-minute window at 60 times real speed, its wait for late rows, and some reserve
RECOVER_S = 20.0  # real seconds: a process pauses at most ten between two attempts
DATABASE_S = 60.0  # real seconds: after a kill Postgres must recover first
PAGE_S = 30.0  # real seconds to wait for the page; then the run continues without it


@dataclass(frozen=True)
class Wishes:
    """The options of the command line."""

    home: Path
    recordings: Recordings
    speed: float
    for_s: float | None  # real seconds; None: until stopped
    port: int | None


class Demo:
    """One run: built, run once, closed."""

    def __init__(self, wishes: Wishes, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._wishes = wishes
        self._stop = stop
        self._say = say
        self._folder = DemoFolder(wishes.home)
        self._folder.make()
        self._lock = RoleLock(self._folder.home, "demo")
        self._group: ProcessGroup | None = None
        self._state = DemoState()
        self._clock = ScaledClock(1.0, 0.0, 0.0)

    def run(self) -> DemoResult | None:
        """Run until the time is over or `stop` is set; returns the result in the first case.

        Raises:
            HydrologError: it could not start, or supervisord ended by itself.
        """
        folder, wishes = self._folder, self._wishes
        if left := groups.sweep(folder):
            self._say(f"ended {left} processes left by an earlier demo")
        self._state = folder.load_state()
        site_s = folder.resume_s(self._state) if self._state.prepared else wishes.recordings.start.timestamp()
        port = folder.write_settings(zone=ZONE, speed=wishes.speed, wanted_port=wishes.port)
        folder.write_simulator(wishes.recordings.folder, wishes.recordings.replays)
        try:
            if not self._state.prepared:
                self._prepare(site_s)
            self._start(site_s)
        except Stopped:
            return None
        self._announce(f"http://127.0.0.1:{port}/")
        self._watch()
        return self._finish() if wishes.for_s is not None and not self._stop.is_set() else None

    def close(self) -> None:
        """Stop all processes; the next start continues from here."""
        if self._group is not None and self._group.stop():
            self._state.site_s, self._state.running = self._clock.now().timestamp(), False
            self._folder.store_state(self._state)
        self._lock.close()

    def _prepare(self, site_s: float) -> None:
        """Raises Stopped if the demo is stopped meanwhile."""
        began_s = time.monotonic()
        environ = groups.environment(self._folder, ScaledClock(1.0, time.time(), site_s))
        with server.running(self._folder.data, self._folder.settings().site.id, self._stop):
            prepare(self._folder, self._wishes.recordings, environ, self._stop, self._say)
        self._state.prepared, self._state.first_s, self._state.site_s = True, site_s, site_s
        self._folder.store_state(self._state)
        self._say(f"prepared in {time.monotonic() - began_s:.0f} s")

    def _start(self, site_s: float) -> None:
        self._clock = ScaledClock(self._wishes.speed, time.time(), site_s)
        self._state.site_s, self._state.speed, self._state.running = site_s, self._wishes.speed, True
        self._folder.store_state(self._state)
        self._group = ProcessGroup(self._folder, self._clock)
        self._group.wait_until_answering(self._stop)
        self._await_database()

    def _await_database(self) -> None:
        """Wait for the database, which counting needs; if it does not start, the demo ends with the reason."""
        give_up_s = time.monotonic() + DATABASE_S
        while not _fresh(state := health.load_all(self._folder.data).get(server.ROLE, {}), self._started):
            if time.monotonic() > give_up_s:
                raise DatabaseDown(f"the database does not start: {state.get('problem') or 'it reports nothing'}")
            if self._stop.wait(LOOK_S):
                raise Stopped

    def _announce(self, page: str) -> None:
        give_up_s = time.monotonic() + PAGE_S
        while time.monotonic() < give_up_s and not self._stop.wait(LOOK_S):
            if _fresh(health.load_all(self._folder.data).get("server", {}), self._started):
                break
        self._say(f"page      {page}")
        self._say(f"log       {shlex.join(['tail', '-F', str(self._folder.data / LOG_FILE)])}")
        status = shlex.join([*HYDROLOG, "status", "--config", str(self._folder.config)])
        self._say(f"status    {status}")
        self._say(f"speed     {self._wishes.speed:g} times real speed; Ctrl-C stops it")

    @property
    def _started(self) -> datetime:
        """The site's time when the group was started."""
        return datetime.fromtimestamp(self._clock.site_s).astimezone()

    def _watch(self) -> None:
        """Print progress and save the site's time until the end."""
        assert self._group is not None
        end_s = time.monotonic() + self._wishes.for_s if self._wishes.for_s is not None else float("inf")
        next_word_s = next_note_s = 0.0
        while not self._stop.is_set() and (now_s := time.monotonic()) < end_s:
            if not self._group.running:
                raise GroupFailed(f"supervisord has ended; see {self._folder.home / 'logs'}")
            if now_s >= next_note_s:
                self._state.site_s = self._clock.now().timestamp()
                self._folder.store_state(self._state)
                next_note_s = now_s + SAVE_EVERY_S
            if now_s >= next_word_s:
                self._say(self._one_line())
                next_word_s = now_s + SAY_EVERY_S
            self._stop.wait(min(LOOK_S, max(end_s - now_s, 0.0)))

    def _one_line(self) -> str:
        folder = self._folder
        noted = mark.load(folder.data)
        end = noted.end_offset if noted else 0
        lags = {name: end - (commits.read(folder.data, name) or 0) for name in ("archive", "server")}
        sender = health.load_all(folder.data).get("consumer-server", {}).get("counters", {})
        local = self._clock.now().astimezone(ZoneInfo(ZONE))
        return (
            f"{local:%a %H:%M}  rows {end:,}  waiting: archive {lags['archive']:,}, server {lags['server']:,}  "
            f"batches sent {sender.get('batches_sent', 0):,}"
        )

    def _finish(self) -> DemoResult:
        """Stop the simulator, wait for the last rows, count."""
        assert self._group is not None
        judged, verdict = self._judge(), report.site_verdict(self._folder, self._clock)
        self._say("the meters have stopped; waiting until every row has arrived")
        self._group.stop_simulator()
        last_minute = self._last_minute_sent()
        give_up_s = time.monotonic() + DRAIN_S
        while not self._all_arrived(last_minute) and time.monotonic() < give_up_s and not self._stop.is_set():
            time.sleep(LOOK_S)
        return report.collect(self._folder, self._state, judged, verdict)

    def _judge(self) -> dict[str, str]:
        """Each process's state; a process that is restarting gets some time."""
        assert self._group is not None
        give_up_s = time.monotonic() + RECOVER_S
        while True:
            judged = report.judge(self._folder, self._started, self._group.falls())
            if set(judged.values()) == {"ok"} or time.monotonic() > give_up_s or self._stop.wait(LOOK_S):
                return judged

    def _last_minute_sent(self) -> int:
        with self._folder.truth.open(encoding="ascii") as file:
            return max((minute for minute, _ in tally.read_truth(file)), default=minute_of(self._clock.now()))

    def _all_arrived(self, last_minute: int) -> bool:
        """Whether every minute is closed and committed by both groups."""
        noted = mark.load(self._folder.data)
        if noted is None or noted.closed_through < last_minute:
            return False
        done = [commits.read(self._folder.data, name) for name in ("archive", "server")]
        return all(offset is not None and offset >= noted.end_offset for offset in done)


def _fresh(state: dict[str, object], started: datetime) -> bool:
    success = state.get("last_success")
    return bool(success) and datetime.fromisoformat(str(success)) >= started
