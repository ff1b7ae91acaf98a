"""Watches the box's clock at every step: what speaks for it, what a time service or a person says, and the readings
that wait for that.

They are stored at a stop of the process, and now and then in case it is killed. After a start of the machine nobody
knows when they came.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import confirmation, state_file, time_service
from common.clock import Clock, FixedClock, ScaledClock
from common.folder import CLOCK_FILE
from common.logging_setup import quoted
from producer.minute import Minutes
from producer.site_time import ClockSample, SiteTime
from producer.waiting import WaitingReadings

ASK_EVERY_S = 1.0  # how often a time service and a person's confirmation are looked for
KEEP_EVERY_S = 60.0  # how often the readings that wait are stored
KEEP_EACH_S = 0.05  # longer for each sum, since all are written: at most a hundred megabytes a day

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the next start of the process may know.

    Attributes:
        boot_id: of the machine's start.
        lead_s: the wall clock less the monotonic one, as it was trusted; None if it was not.
        waiting: of `WaitingReadings.to_state`.
    """

    boot_id: str
    lead_s: float | None
    waiting: list[Any]


class ClockWatch:
    """Keeps `time` up to date."""

    def __init__(self, clock: Clock, data: Path, closed_through: int) -> None:
        self._clock = clock
        self._data = data
        self._boot_id = time_service.boot_id()
        self._next_s = self._next_keep_s = 0.0
        self._said = "trusted"
        self._kept: ClockState | None = None
        state = state_file.load(data / CLOCK_FILE, ClockState)
        if state and state.waiting and state.boot_id != self._boot_id:
            _log.warning("readings_lost slices=%d the machine started before its clock was right", len(state.waiting))
        self._before = state if state and self._boot_id and state.boot_id == self._boot_id else None
        given = isinstance(clock, ScaledClock | FixedClock)
        lead_s = self._before.lead_s if self._before and not given else None
        alone = not time_service.installed()
        self.time = SiteTime(self._read(), closed_through, trusted_lead_s=lead_s, given=given, alone=alone)

    def restore(self, waiting: WaitingReadings) -> None:
        """Restore the readings that waited before the process stopped."""
        self._waiting = waiting
        try:
            waiting.restore(self._before.waiting if self._before else [])
        except (ValueError, TypeError, AttributeError) as error:
            _log.warning("readings_unreadable problem=%s", quoted(error))

    _waiting: WaitingReadings

    def step(self, minutes: Minutes) -> str:
        """Look at the clocks; returns a person's order that came, or ""."""
        look = self._read()
        self.time.closed(minutes.closed_through)
        self.time.look(look)
        order = ""
        if look.monotonic_s >= self._next_s:
            self._next_s = look.monotonic_s + ASK_EVERY_S
            order = self._ask()
        self._say()
        return order

    def release(self, minutes: Minutes) -> None:
        """Put the readings that wait into their minutes, if the time is trusted now; and store what is known."""
        if self.time.trusted and self._waiting:
            self._waiting.release(self.time.lead_s, minutes, sure=self.time.sure)
        if self.time.monotonic_s >= self._next_keep_s or (self._kept and self._lead_s() != self._kept.lead_s):
            self._next_keep_s = self.time.monotonic_s + KEEP_EVERY_S + KEEP_EACH_S * len(self._waiting)
            self.keep()

    @property
    def waiting_from(self) -> int:
        """The minute of the oldest reading that waits, or the minute now, if the clock is right."""
        first_s = self._waiting.first_s
        return int(self.time.if_confirmed(self.time.monotonic_s if first_s is None else first_s) // 60)

    def keep(self) -> None:
        """Store what the next start of the process may know, if it is new."""
        state = ClockState(self._boot_id, self._lead_s(), self._waiting.to_state())
        if state == self._kept:
            return
        try:
            state_file.store(self._data / CLOCK_FILE, state)
            self._kept = state
        except OSError as error:
            _log.warning("clock_not_stored problem=%s", quoted(error))

    def _lead_s(self) -> float | None:
        """As it is stored: in whole minutes, so that the file changes only when the clock does."""
        return None if self.time.state == "unset" else round(self.time.lead_s / 60) * 60.0

    def _read(self) -> ClockSample:
        """Both clocks, read as close together as possible."""
        before_s = self._clock.monotonic()
        wall_s = self._clock.now().timestamp()
        after_s = self._clock.monotonic()
        return ClockSample(wall_s, after_s, after_s - before_s)

    def _ask(self) -> str:
        order = confirmation.take(self._data) or ""
        if not self.time.possible:
            if order:
                _log.warning("clock_not_confirmed order=%s the clock was never set", order)
            return ""
        if order:
            self.time.confirm()
            _log.info("clock_confirmed order=%s", order)
        elif (self.time.doubted or not self.time.sure) and time_service.in_step():
            self.time.confirm()
            _log.info("clock_confirmed order=time-service")
        return order

    def _say(self) -> None:
        if (state := self.time.state) == self._said:
            return
        self._said = state
        if state == "trusted":
            _log.info("clock_trusted readings=%d", self._waiting.readings)
        else:
            _log.warning("clock_doubted problem=%s", quoted(self.time.problem()))
