"""The windows of a night, in UTC minutes. Pure; the night's ends come from `common.night`.

A night runs from ``night.start`` to ``night.end`` in local time. Its windows are named by T, every tenth minute from
the start to before the end (22:00, 22:10 ... 04:50); window T is the ten minutes T-9..T. A night is named after the
local date on which it ends. A night with a clock change is an hour shorter or longer and has six windows fewer or more:
each window is ten real minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.clock import minute_of, minute_start
from common.errors import SettingsError
from common.night import DAY, NightClock, minute_of_day
from common.settings import Settings

WINDOW_MINUTES = 10
HOUR_WINDOWS = 6  # the report's rolling hour
_DAY_MINUTES = 24 * 60


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
    """The night, and the report's part of it: minutes of the local day."""

    report_start: int
    report_end: int

    def night(self, day: date) -> Night:
        """The night that ends on the local date `day`."""
        first, end = self.span(day)
        report_first = self.utc_minute(day, self.report_start, ends=False)
        report_end = self.utc_minute(day, self.report_end, ends=True)
        return Night(
            day,
            range(first + -self.start % WINDOW_MINUTES, end, WINDOW_MINUTES),
            range(
                report_first + -self.report_start % WINDOW_MINUTES + WINDOW_MINUTES,
                min(report_end, end - 1) + 1,
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

    def _local_date(self, minute: int) -> date:
        return minute_start(minute).astimezone(self.zone).date()


def plan_of(settings: Settings) -> Plan:
    """The plan in the settings.

    Raises:
        SettingsError: the times do not define a night, or the report's hours are not in it.
    """
    night = settings.night
    start, end, report_start, report_end = (
        minute_of_day(text) for text in (night.start, night.end, night.report_start, night.report_end)
    )
    length = (end - start) % _DAY_MINUTES
    if length < WINDOW_MINUTES:
        raise SettingsError("night.end", f"the night from {night.start} to {night.end} is shorter than ten minutes")
    if (report_start - start) % _DAY_MINUTES >= length:
        raise SettingsError("night.report_start", f"{night.report_start} is not in the night {night.start}-{night.end}")
    report_at, report_to = (report_start - start) % _DAY_MINUTES, (report_end - start) % _DAY_MINUTES
    if report_to > length or report_to - report_at < HOUR_WINDOWS * WINDOW_MINUTES:
        raise SettingsError(
            "night.report_end",
            f"{night.report_start}-{night.report_end} is not an hour or more of the night {night.start}-{night.end}",
        )
    return Plan(settings.site.zone, start, end, report_start, report_end)


def ready_through(now: datetime, in_through: int | None, grace_s: float) -> int:
    """The last minute T whose window may be stored at `now`.

    The minute must be over, and either known to be in (`in_through`) or `grace_s` seconds past its end.
    """
    over = minute_of(now) - 1
    waited_out = minute_of(now - timedelta(seconds=grace_s)) - 1
    return min(over, max(waited_out, in_through if in_through is not None else waited_out))
