"""The pressure of a logger inside a zone, against what the inlet and the flow explain: see `outliers.logger_use`.

One logger knows how far it has fallen, and how far it has wandered. Whether that is worth a finding depends on the
others of its zone: `logger_area` decides.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from common.state_file import Count, Minute
from outliers.findings import End, Note
from outliers.logger_use import BASE_H, WINDOWS_H, LoggerUse, next_level
from outliers.rules import HEADLOSS
from outliers.watch.evidence import LOGGER_DRIFT, LOGGER_LOW, Change, Evidence, ended
from outliers.watch.pressure_witness import HourResidual, PressureAnswer, PressureResidualHistory, ResidualState

BACK_SHARE = 0.5  # of a limit: below this it is back
GIVE_UP_H = 14 * 24  # a fall that stays this long is the new level
AGREES = 0.5  # of its limit: within this another logger sees nothing


class LowPressure(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A fall that was raised.

    Attributes:
        raised, since: UTC minutes.
        base: the residual before it, bar.
    """

    raised: Minute
    since: Minute
    base: float


class LoggerState(msgspec.Struct):
    """The state of `LoggerWatch`.

    Attributes:
        residuals: the hours.
        hour: the current UTC hour.
        level: slow level of the residual, bar; None: as at the end of the archive.
        low: the active fall.
        low_ended: UTC minute at which the last one ended.
        drifting: it is away for a day, and the others are not.
        moved: by how much its level has moved for good, bar.
    """

    residuals: ResidualState = msgspec.field(default_factory=ResidualState)
    hour: Count = 0
    level: float | None = None
    low: LowPressure | None = None
    low_ended: Minute = 0
    drifting: bool = False
    moved: float = 0.0


class Fall(msgspec.Struct, frozen=True):
    """The fall of the last hours that stands out most.

    Attributes:
        size, limit: bar.
        base: the residual before it, bar.
        window: which of `WINDOWS_H`.
    """

    size: float
    limit: float
    base: float
    window: int

    @property
    def share(self) -> float:
        """Of its limit."""
        return self.size / self.limit


class LoggerWatch:
    """Tracks one logger. `zone`: of the site's clock."""

    def __init__(self, use: LoggerUse, zone: ZoneInfo, state: LoggerState | None = None) -> None:
        self.use = use
        self.state = state or LoggerState()
        self.history = PressureResidualHistory(use, self.state.residuals, use.hour_rows)
        self._zone = zone
        self._still = self._still_at(self.state.hour)

    def on_minute(self, minute: int, flow: float, inlets: Sequence[float], pressure: float) -> None:
        """All of this is known of a UTC minute: the area's flow (m3/h), the inlets' pressure and the logger's (bar)."""
        if minute // 60 != self.state.hour:
            self._on_hour(minute // 60)
        use = self.use
        supplied = sum(share * bar for share, bar in zip(use.shares, inlets, strict=True))
        lost = use.slope_bar * (max(flow, 0.0) / use.mean_m3h) ** HEADLOSS
        self.history.on_row(pressure - supplied - lost - self._still)

    def _on_hour(self, hour: int) -> None:
        """The UTC `hour` begins."""
        state, hours = self.state, self._hours
        self.history.on_hour(state.hour)
        if hours and hours[-1].hour == state.hour:
            state.level = next_level(self._level, hours[-1].residual, self.use.spread_bar)
        state.hour = hour
        self._still = self._still_at(hour)

    @property
    def _level(self) -> float:
        return self.use.level_bar if self.state.level is None else self.state.level

    def _still_at(self, hour: int) -> float:
        return self.use.still_bar[datetime.fromtimestamp(hour * 3600, self._zone).hour]

    def fall(self, hour: int) -> Fall | None:
        """The fall that stands out most, at the end of the UTC `hour`; None without enough hours."""
        found = [self._fall(hour, number) for number in range(len(WINDOWS_H))]
        return max((fall for fall in found if fall is not None), key=lambda fall: fall.share, default=None)

    def _fall(self, hour: int, number: int) -> Fall | None:
        first = hour + 1 - WINDOWS_H[number]
        base, newest = self._mean(first - BASE_H, first), self._mean(first, hour + 1)
        if base is None or newest is None:
            return None
        base = min(base, self._level)
        return Fall(base - newest, self.use.low_bar[number], base, number)

    def lasts(self, hour: int, fall: Fall) -> bool:
        """Whether a fall is not over yet."""
        newest = self._newest(hour)
        return newest is not None and not self._back(fall.base, newest)

    def _back(self, base: float, newest: float) -> bool:
        return base - newest < BACK_SHARE * min(self.use.low_bar)

    def _newest(self, hour: int) -> float | None:
        return self._mean(hour + 1 - WINDOWS_H[0], hour + 1)

    def away(self, hour: int) -> float | None:
        """How far the last day was from its usual at the end of the UTC `hour`, bar; None without enough hours."""
        mean = self._mean(hour + 1 - BASE_H, hour + 1)
        return None if mean is None else mean - self.state.moved

    def drifts(self, hour: int) -> float | None:
        """`away`, if it is beyond its limit, and not for a fall that is up or was in that day; else None."""
        away, state = self.away(hour), self.state
        if away is None or state.low is not None or (hour + 1 - BASE_H) * 60 < state.low_ended:
            return None
        return away if abs(away) > self.use.drift_bar else None

    def agrees(self, hour: int) -> bool | None:
        """Whether its last day was as usual; None = not known."""
        away = self.away(hour)
        return None if away is None else abs(away) < AGREES * self.use.drift_bar

    def _mean(self, first: int, end: int) -> float | None:
        """Of the hours from `first` to before `end`, if at least half of them are known."""
        known = [one.residual for one in self._hours if first <= one.hour < end]
        return sum(known) / len(known) if len(known) * 2 >= end - first else None

    @property
    def _hours(self) -> list[HourResidual]:
        return self.state.residuals.hours

    # what was decided

    def lowered(self, minute: int, hour: int, fall: Fall, notes: Sequence[Note], area: str) -> Evidence:
        """The fall is raised."""
        hours = WINDOWS_H[fall.window]
        since = (hour + 1 - hours) * 60
        self.state.low = LowPressure(minute, since, fall.base)
        numbers = {"below_bar": fall.size, "limit_bar": fall.limit, "minutes": hours * 60}
        return Evidence(LOGGER_LOW, Change.BEGAN, minute, since, numbers, tuple(notes), point=area)

    def drifted(self, minute: int, away: float, area: str) -> Evidence:
        """Its day is away, while most of the others are as usual."""
        self.state.drifting = True
        numbers = {"away_bar": away, "limit_bar": self.use.drift_bar}
        since, notes = minute - BASE_H * 60, (Note.LOGGERS_USUAL,)
        return Evidence(LOGGER_DRIFT, Change.BEGAN, minute, since, numbers, notes, point=area)

    def ended(self, minute: int, hour: int) -> list[Evidence]:
        """What is over at the end of the UTC `hour`."""
        state, found = self.state, list[Evidence]()
        low, newest = state.low, self._newest(hour)
        if low is not None:
            stays = minute - low.raised >= GIVE_UP_H * 60
            if stays and newest is not None:
                state.moved += newest - low.base
            if stays or (newest is not None and self._back(low.base, newest)):
                state.low, state.low_ended = None, minute
                found.append(ended(LOGGER_LOW, minute, End.PRESSURE_USUAL))
        away = self.away(hour)
        if state.drifting and away is not None and abs(away) < BACK_SHARE * self.use.drift_bar:
            state.drifting = False
            found.append(ended(LOGGER_DRIFT, minute, End.PRESSURE_USUAL))
        return found

    def on_leak(self, since: int, flow_m3h: float) -> PressureAnswer | None:
        """Its answer to a leak in the area; None = no data."""
        return self.history.answer(since, flow_m3h / self.use.mean_m3h)
