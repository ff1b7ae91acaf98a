"""The site's time, and whether it can be trusted.

The box's clock is compared with the monotonic clock, which never jumps. Time is

- *trusted*;
- *stepped*: the clock jumped by more than two minutes. The old time continues by the monotonic clock;
- *unset*: since the start nothing speaks for the clock. The last closed minute does if the clock shows it or up to a
  month after it; so does what was trusted earlier since the machine's start. A new box has neither: there a clock is
  believed only if the machine has no time service that could still correct it;
- *ahead*: the clock is right now, but minutes after it are closed: it was ahead before.

A time service, a meter's own time or a person ends *stepped* and *unset*; only a person ends *ahead*.
"""

import math
from dataclasses import dataclass

from common.clock import FUTURE_S, NEVER_SET_BEFORE_S

LARGEST_STEP_S = 120.0  # the largest correction by a time service that is accepted
PAST_S = 24 * 3600.0  # a meter may send stored readings of a day
MOST_AHEAD_S = 30 * 86_400.0  # of the last closed minute: longer than the power is away where somebody needs the rows
SURE_AFTER_S = 900.0  # since the start: until then a time service may still say otherwise
SLOPPY_S = 10.0  # clocks read further apart cannot be compared
WAITS = "clock"  # instead of a reason to refuse a reading: it waits until the time is trusted

_IF_RIGHT = "if it is right, run: hydrolog clock confirm"
_SET = "set it (sudo timedatectl set-time '2026-05-04 12:30')"


@dataclass(frozen=True, slots=True)
class ClockSample:
    """The clocks, read together."""

    wall_s: float  # seconds since 1970
    monotonic_s: float
    apart_s: float = 0.0  # at most this long between reading the two

    @property
    def lead_s(self) -> float:
        """The wall clock less the monotonic one: it stays the same until the clock is set."""
        return self.wall_s - self.monotonic_s


class SiteTime:
    """The site's time, updated with both clocks at every step."""

    def __init__(
        self,
        look: ClockSample,
        closed_through: int,
        *,
        trusted_lead_s: float | None = None,
        given: bool = False,
        alone: bool = False,
    ) -> None:
        """
        Args:
            look: the clocks now.
            closed_through: the last closed UTC minute, 0 if there is none.
            trusted_lead_s: the lead of a clock that was trusted earlier since the machine's start.
            given: the clock is not the machine's: a demo or a person chose its time.
            alone: the machine has no time service.
        """
        self._closed_s = closed_through * 60.0
        self._given, self._alone = given, alone
        self._look = look
        self._lead_s = look.lead_s if trusted_lead_s is None else trusted_lead_s
        self.monotonic_s = look.monotonic_s
        self._sure_s = look.monotonic_s
        if not given and trusted_lead_s is None:
            self._sure_s += SURE_AFTER_S if closed_through else math.inf
        self._state = "trusted" if trusted_lead_s is not None or self._vouched(look.wall_s) else "unset"
        self.now_s = look.wall_s
        self.look(look)

    @property
    def state(self) -> str:
        """Trusted, stepped, unset or ahead."""
        return "ahead" if self._state == "trusted" and self._closed_s > self.now_s + FUTURE_S else self._state

    @property
    def trusted(self) -> bool:
        return self.state == "trusted"

    @property
    def doubted(self) -> bool:
        """Whether a time service, a meter or a person must confirm the clock."""
        return self._state != "trusted"

    @property
    def sure(self) -> bool:
        """Whether a meter's clock that says otherwise is wrong: this one was confirmed, or nothing came for a while."""
        return self.monotonic_s >= self._sure_s

    @property
    def possible(self) -> bool:
        """Whether the clock shows a possible time."""
        return self._look.wall_s >= NEVER_SET_BEFORE_S

    @property
    def lead_s(self) -> float:
        """The site's time less the monotonic one."""
        return self._lead_s

    def if_confirmed(self, monotonic_s: float) -> float:
        """The time at which something happened, if the clock is right now."""
        return self._look.lead_s + monotonic_s

    def look(self, look: ClockSample) -> None:
        """Update with the clocks."""
        self.monotonic_s = look.monotonic_s
        if look.apart_s > SLOPPY_S:
            return
        self._look = look
        if self._state == "unset":
            self.now_s = look.wall_s
            if self._vouched(look.wall_s):
                self._take()
        elif abs(look.lead_s - self._lead_s) <= LARGEST_STEP_S:
            self._take()
        else:
            self._state, self.now_s = "stepped", self._lead_s + look.monotonic_s

    def closed(self, closed_through: int) -> None:
        """The last closed minute is another."""
        self._closed_s = closed_through * 60.0

    def confirm(self) -> None:
        """A time service, a meter or a person confirmed the clock."""
        self._sure_s = self.monotonic_s
        self._take()

    def _take(self) -> None:
        """Take the clock's time."""
        self._state, self._lead_s, self.now_s = "trusted", self._look.lead_s, self._look.wall_s

    def time_of(self, time_s: float | None) -> tuple[float, str]:
        """The time of a reading that has just arrived, and the reason if it is not taken (past, future, or it waits).

        `time_s`: the meter's own time, or None.
        """
        if time_s is not None and self.doubted and self.possible and self._agrees(time_s - self._look.wall_s):
            self.confirm()
        state = self.state
        if state in ("unset", "ahead") or (state == "stepped" and time_s is None):
            return self.now_s if time_s is None else time_s, WAITS
        if time_s is None:
            return self.now_s, ""
        reason = implausible(time_s, self.now_s)
        return time_s, WAITS if reason and not self.sure else reason

    def problem(self) -> str:
        """The problem for people; empty if time is trusted."""
        state, wall_s = self.state, self._look.wall_s
        if state == "stepped":
            return (
                f"the clock jumped by {wall_s - self.now_s:+.0f} s: readings without their own time wait; {_IF_RIGHT}"
            )
        if state == "ahead":
            return (
                f"a clock that was ahead closed the minutes of the next {(self._closed_s - self.now_s) / 60:.0f} min: "
                "readings wait; if the clock is right now, run: hydrolog clock confirm --go-on"
            )
        return self._why_unset(wall_s) if state == "unset" else ""

    def _agrees(self, offset_s: float) -> bool:
        """Whether a meter's clock with this offset speaks for the site's; it may send stored readings of a day."""
        return -(PAST_S if self._state == "unset" else FUTURE_S) <= offset_s <= FUTURE_S

    def _vouched(self, wall_s: float) -> bool:
        """Whether the last closed minute speaks for a clock that shows this."""
        if wall_s < max(self._closed_s - FUTURE_S, NEVER_SET_BEFORE_S):
            return False
        if not self._closed_s:
            return self._given or self._alone
        return self._given or wall_s <= self._closed_s + MOST_AHEAD_S

    def _why_unset(self, wall_s: float) -> str:
        if not self.possible:
            return f"the clock was never set: readings wait; {_SET}, then run: hydrolog clock confirm"
        if not self._closed_s:
            return f"nobody has confirmed the clock since this box was new: readings wait; {_IF_RIGHT}; else {_SET}"
        if wall_s < self._closed_s:
            return (
                "the clock is earlier than the last closed minute, so it was never set, or was ahead before: readings "
                f"wait; {_SET}, or if it is right, run: hydrolog clock confirm --go-on"
            )
        days = (wall_s - self._closed_s) / 86_400
        return f"the clock is {days:,.0f} days after the last closed minute: readings wait; {_IF_RIGHT}; else {_SET}"


def implausible(time_s: float, arrived_s: float) -> str:
    """Why a meter's own time cannot be that of a reading that arrived then (past, future), else ""."""
    if time_s > arrived_s + FUTURE_S:
        return "future"
    return "past" if time_s < arrived_s - PAST_S else ""
