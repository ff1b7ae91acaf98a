"""One step of the producer: bytes from the line into minutes, closed minutes into rows, rows into the log.

Nothing here waits for a database, a server or a network. The step waits only for the line, at most half a second.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from common import confirmation
from common.logging_setup import quoted
from common.runner import Context
from common.state_file import StateUnusable
from log import mark as marks
from log.mark import Mark
from log.roles import Log, needs_file, open_for
from producer import closed
from producer.clock_watch import ClockWatch
from producer.hold import PendingRows
from producer.intake import ReadingSink
from producer.line import SerialLine
from producer.minute import Minutes
from producer.minute_mean import MinuteMean
from producer.open_minute import OpenMinuteFile
from producer.port import POLLED_READ_S, READ_S, check_url
from producer.protocols import Intake, check_meters, intake_for
from producer.site_time import WAITS, SiteTime
from producer.verdicts import Verdicts
from producer.zones import ZoneMinutes, rows_of

SILENT_S = 1.0  # real seconds without a byte, at any speed of the site's clock
SAY_REFUSED_EVERY_S = 600.0  # refused frames are summed up in one log line
SNAPSHOT_PAUSE = 20  # times the duration of a snapshot of the open minutes: at most 5 % of a core
CLOCKS_EVERY_S = 1.0  # as often as the health file is written
LOOK_AT_MINUTES_S = 0.5  # between two looks for minutes that are over
RETRY_HELD_S = 1.0  # between two attempts to append waiting rows

_log = logging.getLogger(__name__)


class Producer:
    """The worker that the runner steps."""

    def __init__(self, context: Context, line: SerialLine | None = None) -> None:
        """`line`: the source of bytes, if not the port in the settings."""
        settings = context.settings
        needs_file(settings)
        check_url(settings.line.url)
        check_meters(settings.line)
        self._context = context
        self._zone = settings.site.zone
        self._refused: Counter[str] = Counter()
        read_s = POLLED_READ_S if settings.line.poll_seconds else READ_S
        self._line = line or SerialLine(
            settings.line.url, settings.line.baudrate, context.stop, settings.line.mode, read_s=read_s
        )
        self._log: Log | None = None
        self._readings = 0
        self._looked_s = context.clock.monotonic()
        self._said_refused_s = context.clock.monotonic()
        self._said_refused: Counter[str] = Counter()
        self._tried_held_s = 0.0
        self._unsaved = False
        self._next_snapshot_s = 0.0
        self._snapshot_cost_s = 0.0001
        self._next_clocks_s = 0.0
        self._readings_waiting = 0
        self._meters_problem = ""
        self._clock_offsets_s: dict[str, float] = {}

    # Set by the start. If the log is not available yet, the runner waits.
    _kept: OpenMinuteFile
    _held: PendingRows
    _minutes: Minutes
    _clock: ClockWatch
    _time: SiteTime
    _zones: ZoneMinutes
    _door: ReadingSink
    _intake: Intake
    _verdicts: Verdicts

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Read the line briefly and do what is due; returns the counters."""
        if self._log is None:
            self._start()
        chunk = self._line.read(self._intake)
        self._watch_time()
        monotonic_s = self._time.monotonic_s
        self._readings += self._intake.take(chunk, monotonic_s)
        if self._line.is_open and (request := self._intake.ask(monotonic_s)):
            self._line.write(request)
        self._close(monotonic_s)
        self._unsaved = self._unsaved or bool(chunk)
        if self._unsaved:
            self._snapshot()
        self._say_refused(monotonic_s)
        return self._counters()

    # --- the start

    def _start(self) -> None:
        """Find the closed minutes from the mark and the log's tail, and restore the minutes left open by a stop."""
        settings, data = self._context.settings, self._context.data
        log = open_for(settings)
        try:
            published = marks.load(data)
            self._zones = ZoneMinutes(settings.zones)
            mark = closed.with_tail(published, log, self._zones.note)
            self._zones.start(closed.of_sensors(mark))
            self._kept = OpenMinuteFile(data)
            self._held = PendingRows(log, data, self._zone, settings.line.hold_rows, mark)
            self._minutes = closed.minutes_after(settings.line.lateness_seconds, published, mark)
            self._clock = ClockWatch(self._context.clock, data, mark.closed_through)
            self._time = self._clock.time
            self._door = ReadingSink(
                self._time,
                self._minutes,
                self._refused,
                settings=settings.line,
                zone=self._zone,
                reserved=settings.zones.keys(),
            )
            self._intake = intake_for(
                settings.line,
                self._door,
                ZoneInfo(settings.line.zone) if settings.line.zone else self._zone,
                self._line,
            )
            self._clock.restore(self._door.waiting)
            self._verdicts = Verdicts(
                data, settings.site, settings.line.quiet_minutes, settings.zones, settings.loggers
            )
            self._restore_open_minutes(published)
        except BaseException:
            log.close()
            raise
        self._log = log
        _log.info("line_start url=%s closed_through=%d", self._context.settings.line.url, mark.closed_through)

    def _restore_open_minutes(self, published: Mark | None) -> None:
        try:
            state = self._kept.load()
            if state is None:
                return
            through = published.closed_through if published else 0
            self._minutes.have_rows(self._held.restore([str(row) for row in state.get("held", ())], through))
            readings = self._minutes.restore(state, lost=published is None)
            if "zones" in state:
                self._zones.restore(state["zones"])
            self._intake.keep(str(state["rest"]).encode("latin-1"))
            _log.info("open_minute_restored readings=%d rows=%d", readings, len(self._held))
        except (StateUnusable, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            _log.warning("open_minute_unreadable problem=%s", quoted(error))

    # --- time

    def _watch_time(self) -> None:
        if self._clock.step(self._minutes) == confirmation.GO_ON:
            # Minutes after now were closed by a wrong clock: they are open again, also for the readings that waited.
            last = self._clock.waiting_from - 1
            self._refused[WAITS] += self._minutes.forget_future(last)
            self._held.forget_future(last)
            self._zones.forget_future(last)
            self._verdicts.forget_future(last)
            self._time.closed(self._minutes.closed_through)
            self._unsaved = True
        self._clock.release(self._minutes)

    # --- minutes to rows

    def _close(self, monotonic_s: float) -> None:
        elapsed_s = monotonic_s - self._looked_s
        if elapsed_s < LOOK_AT_MINUTES_S:
            return
        self._looked_s = monotonic_s
        means = self._minutes.close(self._time.now_s, elapsed_s, quiet=self._line.silent_s >= SILENT_S)
        if means:
            self._unsaved = True
            self._take(means)
        elif not self._held.waiting or monotonic_s - self._tried_held_s < RETRY_HELD_S:
            return
        self._tried_held_s = monotonic_s
        if self._held.flush(self._minutes.closed_through):
            self._verdicts.save(self._minutes.closed_through)

    def _take(self, means: Sequence[MinuteMean]) -> None:
        """Closed minutes become rows that wait for the log."""
        waiting = len(self._held) > 0
        self._held.add(rows_of(means, self._zones, self._verdicts.rows))
        if self._zones.waits:  # once these rows are in the log, nothing else will tell them to a zone after a kill
            self._keep_open_minutes(on_disk=waiting)

    # --- what is published

    def _say_refused(self, monotonic_s: float) -> None:
        if monotonic_s - self._said_refused_s < SAY_REFUSED_EVERY_S:
            return
        self._said_refused_s = monotonic_s
        if new := self._refused - self._said_refused:
            counts = " ".join(f"{reason}={count}" for reason, count in sorted(new.items()))
            _log.warning("readings_refused %s seconds=%d", counts, int(SAY_REFUSED_EVERY_S))
            self._said_refused = Counter(self._refused)

    def _counters(self) -> dict[str, Any]:
        self._compare_clocks()
        clock = self._time.problem()
        problems = (self._line.problem, self._intake.problem, clock, self._meters_problem, self._held.problem)
        return {
            "problem": "; ".join(filter(None, problems)),
            "port": self._line.state,
            "readings": self._readings,
            "readings_waiting": self._readings_waiting,
            "frames_refused": {reason: count for reason, count in self._refused.items() if reason != "late"},
            "registers_refused": dict(self._intake.failures),
            "late": self._refused["late"],
            "rows_appended": self._held.appended,
            "rows_held": len(self._held),
            "rows_dropped": self._held.dropped,
            "rows_unjudged": self._verdicts.failures,
            "calendar_lines_wrong": self._verdicts.calendar_problems,
            "closed_through": self._minutes.closed_through,
            "clock_offsets_s": self._clock_offsets_s,
            "clock": self._time.state,
            "waiting_from": self._clock.waiting_from,
        }

    def _compare_clocks(self) -> None:
        """The meters' clocks for people, once a second: a thousand of them cost more than a step."""
        if self._looked_s >= self._next_clocks_s:
            self._next_clocks_s = self._looked_s + CLOCKS_EVERY_S
            self._meters_problem = self._door.clocks.problem(self._time.now_s) if self._time.trusted else ""
            self._clock_offsets_s = self._door.clocks.offsets(self._time.now_s)
            self._readings_waiting = self._door.waiting.readings

    def close(self) -> None:
        """Store the open minutes for the next start, and close everything."""
        self._line.close()
        if self._log is None:
            return
        self._held.flush(self._minutes.closed_through)
        if waiting := len(self._held):
            _log.warning("rows_wait count=%d for the next start", waiting)
        self._clock.keep()
        self._keep_open_minutes(on_disk=True, durable=True)
        self._log.close()
        self._log = None

    def _snapshot(self) -> None:
        """Store the state against a kill, as often as it is cheap: with few sensors after each step."""
        clock = self._context.clock
        before_s = clock.monotonic()
        if before_s >= self._next_snapshot_s:
            self._keep_open_minutes(on_disk=len(self._held) > 0)
            self._unsaved = False
            after_s = clock.monotonic()
            self._snapshot_cost_s = min(after_s - before_s, 2 * self._snapshot_cost_s)  # one hiccup does not count
            self._next_snapshot_s = after_s + self._snapshot_cost_s * SNAPSHOT_PAUSE

    def _keep_open_minutes(self, *, on_disk: bool, durable: bool = False) -> None:
        state = self._minutes.to_state() | {
            "rest": self._intake.rest.decode("latin-1"),
            "held": self._held.to_state(),
            "zones": self._zones.to_state(),
        }
        content = json.dumps(state).encode() + b"\n"
        try:
            self._kept.store(content, on_disk=on_disk, durable=durable)
        except OSError as error:
            if durable:
                _log.warning("open_minute_lost problem=%s", quoted(error))
