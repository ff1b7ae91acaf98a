"""The windows of a night, in UTC minutes. Pure; the night's ends and the report's hours are `common.night`'s.

A night runs from ``night.start`` to ``night.end`` in local time. Its windows are named by T, every tenth minute from
the start to before the end (22:00, 22:10 ... 04:50); window T is the ten minutes T-9..T. A night is named after the
local date on which it ends. A night with a clock change is an hour shorter or longer and has six windows fewer or more:
each window is ten real minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.clock import minute_of, minute_start
from common.night import DAY, DAY_MINUTES, WINDOW_MINUTES, NightClock, ReportHours, minute_of_day, report_hours
from common.settings import Settings

FAR_MINUTES = 3 * DAY_MINUTES  # a night begins within it, also where a clock change takes one away


@dataclass(frozen=True)
class Night:
    """One night, in UTC minutes."""

    date: date  # local, of the morning
    windows: range  # every T
    report: range  # the T whose ten minutes are in the report's part of the night
    end: int  # the first minute after the night

    @property
    def last_window(self) -> int:
        return self.windows[-1]


@dataclass(frozen=True)
class Plan(NightClock):
    """The night, and the report's part of it."""

    report: ReportHours

    def night(self, day: date) -> Night:
        """The night that ends on the local date `day`."""
        first, end = self.span(day)
        report_end = (self.report.start + self.report.minutes) % DAY_MINUTES
        return Night(
            day,
            range(first + -self.start % WINDOW_MINUTES, end, WINDOW_MINUTES),
            range(
                self.utc_minute(day, self.report.start, ends=False) + WINDOW_MINUTES,
                self.utc_minute(day, report_end, ends=True) + 1,
                WINDOW_MINUTES,
            ),
            end,
        )

    def nights(self, first_minute: int, last_minute: int) -> Iterator[Night]:
        """The nights with a window T in ``first_minute <= T <= last_minute``, oldest first."""
        day = self._local_date(first_minute)
        last = self._local_date(last_minute) + DAY
        while day <= last:
            night = self.night(day)
            if night.windows and night.windows[0] <= last_minute and night.last_window >= first_minute:
                yield night
            day += DAY

    def first_after(self, minute: int) -> Night:
        """The first night whose last window is after a minute."""
        return next(self.nights(minute + 1, minute + FAR_MINUTES))

    def _local_date(self, minute: int) -> date:
        return minute_start(minute).astimezone(self.zone).date()


def plan_of(settings: Settings) -> Plan:
    """The plan in the settings.

    Raises:
        SettingsError: the times do not define a night, or the report's hours are not in it.
    """
    night = settings.night
    return Plan(settings.site.zone, minute_of_day(night.start), minute_of_day(night.end), report_hours(night))


def ready_through(now: datetime, in_through: int | None, grace_s: float) -> int:
    """The last minute T whose window may be stored at `now`.

    The minute must be over, and either known to be in (`in_through`) or `grace_s` seconds past its end.
    """
    over = minute_of(now) - 1
    waited_out = minute_of(now - timedelta(seconds=grace_s)) - 1
    return min(over, max(waited_out, in_through if in_through is not None else waited_out))
