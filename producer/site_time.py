"""The site's time, and whether it can be trusted for readings without their own time.

The box's clock is compared with the monotonic clock, which never jumps. Time is *trusted*, *stepped* (the clock jumped
by more than two minutes: the old time continues by the monotonic clock) or *unset* (the clock is earlier than the last
closed minute, or than any possible time). In the last two no arrival time is used until the clock is right again, a
time service or a meter's own time confirms the new one, or a person does.
"""

from dataclasses import dataclass

LARGEST_STEP_S = 120.0  # the largest correction by a time service that is accepted
PAST_S = 24 * 3600.0  # a meter may send stored readings of a day
FUTURE_S = 120.0  # a meter's clock may be this fast
NEVER_SET_BEFORE_S = 1_262_304_000.0  # 2010-01-01: a box without a battery starts in 1970 or 2000
SLOPPY_S = 10.0  # clocks read further apart cannot be compared


@dataclass(frozen=True, slots=True)
class ClockSample:
    """The clocks, read together."""

    wall_s: float  # seconds since 1970
    monotonic_s: float
    apart_s: float = 0.0  # at most this long between reading the two


class SiteTime:
    """The site's time, updated with both clocks at every step."""

    def __init__(self, look: ClockSample, closed_through: int) -> None:
        """`closed_through`: the last closed UTC minute, 0 if there is none."""
        self._earliest_s = max(closed_through * 60 - FUTURE_S, NEVER_SET_BEFORE_S)
        self._anchor = self._look = look
        self.state = "trusted" if look.wall_s >= self._earliest_s else "unset"
        self.now_s = look.wall_s

    @property
    def trusted(self) -> bool:
        return self.state == "trusted"

    def look(self, look: ClockSample) -> None:
        """Update with the clocks."""
        if look.apart_s > SLOPPY_S:
            return
        self._look = look
        if self.state == "unset":
            if look.wall_s >= self._earliest_s:
                self.confirm()
            self.now_s = look.wall_s
            return
        expected_s = self._anchor.wall_s + look.monotonic_s - self._anchor.monotonic_s
        if abs(look.wall_s - expected_s) <= LARGEST_STEP_S:
            self.confirm()
        else:
            self.state, self.now_s = "stepped", expected_s

    @property
    def possible(self) -> bool:
        """Whether the clock shows a possible time."""
        return self._look.wall_s >= NEVER_SET_BEFORE_S

    @property
    def steady_s(self) -> float:
        """The monotonic clock at the last look."""
        return self._look.monotonic_s

    def confirm(self) -> None:
        """A person confirmed the clock."""
        self.state, self._anchor, self.now_s = "trusted", self._look, self._look.wall_s

    def time_of(self, time_s: float | None) -> tuple[float, str]:
        """The time of a reading that has just arrived, and the reason if it is refused (past, future, clock), else "".

        `time_s`: the meter's own time, or None.
        """
        if time_s is None:
            return (self.now_s, "") if self.state == "trusted" else (self.now_s, "clock")
        if self.state != "trusted" and abs(time_s - self._look.wall_s) <= FUTURE_S:
            self.confirm()
        if time_s > self.now_s + FUTURE_S:
            return time_s, "future"
        return time_s, "past" if time_s < self.now_s - PAST_S else ""

    def problem(self, closed_through: int = 0) -> str:
        """The problem for people; empty if time is trusted and no future minute is closed."""
        if self.state == "unset":
            return (
                "the clock was never set (it is earlier than the last closed minute): readings without their own "
                "time wait; set the clock, or if it is right, run: hydrolog clock confirm"
            )
        if self.state == "stepped":
            return (
                f"the clock jumped by {self._look.wall_s - self.now_s:+.0f} s: readings without their own time "
                "wait until it is confirmed; if it is right, run: hydrolog clock confirm"
            )
        if (ahead_s := closed_through * 60.0 - self.now_s) > FUTURE_S:
            return (
                f"a clock that was ahead closed the minutes of the next {ahead_s / 60:.0f} min: readings are "
                "dropped as late until then; to continue at once, run: hydrolog clock confirm --go-on"
            )
        return ""
