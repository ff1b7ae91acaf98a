"""The lifecycle of a process: options, settings, logging, role, signals, ticks, health, exit code.

A process provides a *worker* whose `step(now)` does one piece of work and returns. This module repeats it. `schedule`
is only the ticker: the step decides from the data which window or hour is due.
"""

import argparse
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, Protocol

import schedule

from common import clock as clocks
from common import logging_setup, run_folder
from common.clock import Clock, FixedClock
from common.errors import HydrologError, SettingsError
from common.folder import ROLES_FOLDER
from common.health import Health
from common.options import Parser, add_version, aware_time
from common.retry import Backoff
from common.roles import RoleLock
from common.settings import Settings, load
from common.signals import stop_on_signals
from common.version import version
from common.waits import DEFECT

TICK_S = 1  # real seconds between steps; the shortest interval of `schedule`
PAUSE_S = 0.1  # real seconds of each wait after a failure
LAST_WORD_S = 4.0  # a step still running this long after SIGTERM is abandoned: any instant is safe

_log = logging.getLogger(__name__)


class Worker(Protocol):
    def step(self, now: datetime) -> Mapping[str, Any]:
        """Do what is due at `now`; returns the counters to publish.

        A temporary problem is raised as a HydrologError, and the next step waits. A worker that must continue at once
        (a producer without its cable still closes minutes) returns it as the counter ``problem`` instead.
        """

    def close(self) -> None:
        """Leave nothing open."""


@dataclass(frozen=True)
class Context:
    """The input for building a worker."""

    settings: Settings
    clock: Clock
    stop: threading.Event
    role: str
    config: Path | None = None  # the settings file, for a worker that starts another process

    @property
    def data(self) -> Path:
        return self.settings.paths.data


Build = Callable[[Context], Worker]


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """The options that every process has."""
    options = Parser(prog=program, description=description)
    options.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file (TOML); see deploy/hydrolog.example.toml"
    )
    add_version(options)
    options.add_argument("--once", action="store_true", help="do one step and exit")
    options.add_argument("--at", type=aware_time, metavar="ISO-TIME", help="with --once: the time to assume")
    return options


def every_second(_settings: Settings) -> int:
    """How often most workers step."""
    return TICK_S


def run(
    role: str, build: Build, options: argparse.Namespace, *, tick_s: Callable[[Settings], int] = every_second
) -> int:
    """Run a worker until SIGTERM or SIGINT, or for one step with --once; returns the exit code.

    With a tick of 0 the step itself waits for its input (the producer at its port) and is called again at once.
    """
    logging_setup.setup(role)
    stop = stop_on_signals(LAST_WORD_S)  # first of all: loading modules can take seconds
    if options.at and not options.once:
        sys.stderr.write("--at needs --once\n")
        return SettingsError.exit_code
    clock: Clock = FixedClock(options.at) if options.at else clocks.from_environment()
    try:
        settings = load(options.config)
        process = _Process(Context(settings, clock, stop, role, options.config), build, once=options.once)
    except HydrologError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    try:  # nothing is touched before all settings are known to be valid
        make_data_folder(settings)
        role_lock = RoleLock(settings.paths.data / ROLES_FOLDER, role)
    except HydrologError as error:
        process.close()
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    try:
        if options.once:
            return process.once()
        process.until_stopped(tick_s(settings))
    finally:
        role_lock.close()


def make_data_folder(settings: Settings) -> None:
    """Create the data folder and check that it is writable.

    Raises:
        SettingsError: this user cannot create it or write to it.
    """
    try:
        settings.paths.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError("paths.data", f"cannot make {settings.paths.data}: {error.strerror}") from error
    if not os.access(settings.paths.data, os.W_OK | os.X_OK):
        why = "cannot be written by this user"
        if os.statvfs(settings.paths.data).f_flag & os.ST_RDONLY:
            why = "is on a disk that is read-only now: it may be damaged, see: sudo dmesg | tail; then restart the box"
        raise SettingsError("paths.data", f"{settings.paths.data} {why}")
    run_folder.make(settings.paths.data)


def _until_due(ticker: schedule.Scheduler, tick_s: int) -> float:
    """Real seconds until the ticker's next tick.

    `schedule` uses the local time: after that jumped back, the tick would wait for as long as the jump.
    """
    due_s = ticker.idle_seconds or 0.0
    if due_s > tick_s:
        due_s = tick_s
        for job in ticker.jobs:
            job.next_run = datetime.now() + timedelta(seconds=tick_s)
    return max(due_s, 0.0)


class _Process:
    def __init__(self, context: Context, build: Build, *, once: bool) -> None:
        self._context = context
        self._build = build
        self._health = Health(context.data, context.role, context.clock.now())
        self._worker: Worker | None = None
        try:
            self._worker = build(context)
        except SettingsError:
            raise
        except HydrologError:  # may be temporary: the first step meets it again and waits
            if once:
                raise
        self._backoff = Backoff(first_s=0.5, cap_s=10.0)
        self._failures = 0
        self._not_before_s = 0.0
        self._said = ""

    def once(self) -> int:
        """One step; a problem is printed and gives exit code 1."""
        assert self._worker is not None
        try:
            counters = self._worker.step(self._context.clock.now())
        except HydrologError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        finally:
            self._worker.close()
        _log.info("once %s", " ".join(f"{key}={value}" for key, value in counters.items()))
        return 0

    def until_stopped(self, tick_s: int) -> NoReturn:
        """Step at each tick until a signal; then close and exit with code 0."""
        _log.info("start pid=%d version=%s data=%s", os.getpid(), version(), self._context.data)
        ticker = schedule.Scheduler()
        if tick_s:
            ticker.every(tick_s).seconds.do(self._guarded_step)
            self._guarded_step()
        gc.collect()
        gc.freeze()  # the modules stay for ever: no collection looks through them again
        while not self._context.stop.is_set():
            if tick_s:
                ticker.run_pending()
                self._context.stop.wait(_until_due(ticker, tick_s))
            else:
                self._guarded_step()
        self.close()
        self._health.write(time.monotonic())
        _log.info("stop")
        logging.shutdown()
        os._exit(0)  # a normal exit takes seconds to unload torch on a busy box

    def close(self) -> None:
        """Leave nothing open."""
        if self._worker is not None:
            self._worker.close()

    def _guarded_step(self) -> None:
        """One step; any error is published and the step tried again after a pause."""
        if (pause_s := self._not_before_s - time.monotonic()) > 0:
            self._context.stop.wait(min(pause_s, PAUSE_S))
            return
        clock = self._context.clock
        try:
            if self._worker is None:
                self._worker = self._build(self._context)
            counters = self._worker.step(clock.now())
        except HydrologError as error:
            self._failed(str(error), error.counters, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the only broad except: a bug must not end the process
            _log.exception("step_failed")
            self._failed(f"a defect of the program ({type(error).__name__}); its log tells more", {}, DEFECT)
            self._rebuild_later()
        else:
            if self._failures:
                _log.info("recovered after_failures=%d", self._failures)
            self._failures, self._said, self._not_before_s = 0, "", 0.0
            counters = dict(counters)
            if problem := counters.pop("problem", ""):
                self._health.problem(clock.now(), time.monotonic(), problem, **counters)
            else:
                self._health.success(clock.now(), time.monotonic(), **counters)

    def _failed(self, text: str, counters: Mapping[str, Any], kind: str) -> None:
        self._failures += 1
        self._not_before_s = time.monotonic() + self._backoff.wait_s(self._failures)
        if text != self._said:
            _log.warning("waiting problem=%s", logging_setup.quoted(text))
            self._said = text
        now, monotonic_s = self._context.clock.now(), time.monotonic()
        self._health.problem(now, monotonic_s, text, kind, failures=self._failures, **counters)

    def _rebuild_later(self) -> None:
        """After a bug the worker's memory is not trusted: the next step starts again from the files."""
        worker, self._worker = self._worker, None
        if worker is not None:
            try:
                worker.close()
            except Exception:  # noqa: BLE001 - logged; the rebuild continues
                _log.exception("close_failed")
