"""The detector: four methods over one sensor's closed minutes. `step` a row, nothing else; state of constant size.

SYSTEM (`system.py`) first: what it rejects never reaches PREDICT (every minute), VALUE (every hour), NIGHT.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from outliers import criteria as stored
from outliers.criteria import Criteria
from outliers.findings import CLEAR, RAISE, Finding
from outliers.flicker import Still
from outliers.rules import NIGHT_END_MIN as END_MIN
from outliers.rules import NIGHT_START_MIN as START_MIN
from outliers.rules import SUNDAY
from outliers.watch import instruments, night_rule
from outliers.watch.flicker_watch import Texture
from outliers.watch.gate import OK, Gate
from outliers.watch.hourly import Reading, Value
from outliers.watch.incident import GATE, Incident, Rule
from outliers.watch.incident_log import Judge
from outliers.watch.meter_scale_watch import Scale
from outliers.watch.migrate import STATE_FORMAT, seated
from outliers.watch.night_minimum import Night
from outliers.watch.pressure_witness import Witness
from outliers.watch.step_change import HourForecast, StepWatch
from outliers.watch.supply import Supply
from outliers.watch.verdict import Verdict

__all__ = ["Detector", "HourForecast", "Verdict", "default_criteria"]

PARTS = ("value", "steps", "night", "supply", "witness", "scale", "texture")  # None where the criteria do not have them
HOLIDAY = 2.0  # times the limits of a step on a listed holiday: no two holidays are alike


def default_criteria(sensor: str) -> Criteria:
    """Before any history: wide physical limits, so only SYSTEM judges."""
    return stored.initial(sensor)


def _hour_mean(row: tuple[float, ...], hour: int) -> float:
    return sum(row[4 * hour : 4 * hour + 4]) / 4


class Detector:
    """Judges one sensor. `Detector(..., state=other.state())` goes on to the bit where `other` stopped."""

    def __init__(
        self,
        sensor: str,
        criteria: Criteria,
        zone: ZoneInfo,
        state: dict[str, Any] | None = None,
        holidays: Collection[date] = (),
    ) -> None:
        state = seated(state or {}, criteria)
        self.sensor, self.criteria, self.zone, self.holidays = sensor, criteria, zone, frozenset(holidays)
        self.minute: int | None = state.get("minute")
        self.ahead: float = state.get("ahead", criteria.use.level if criteria.use else 0.0)
        self.ratio: float = state.get("ratio", 1.0 + self.ahead)
        self.flow_gate = Gate("flow", "m3/h", criteria.flow, state.get("flow_gate"))
        self.pressure_gate = Gate("pressure", "bar", criteria.pressure, state.get("pressure_gate"))
        self.incident = Incident(state.get("incident"))
        use = criteria.use
        self.value = Value(use, state.get("value")) if use else None
        self.steps = StepWatch(use, state.get("steps")) if use else None
        self.night = Night(criteria.night, state.get("night")) if criteria.night else None
        self.supply = Supply(criteria.pressure_use, state.get("supply")) if criteria.pressure_use else None
        self.witness = Witness(criteria.pressure_use, state.get("witness")) if criteria.pressure_use else None
        self.scale = Scale(criteria.scale, use.mean_m3h, state.get("scale")) if criteria.scale and use else None
        texture = use.texture if use else None
        self.texture = Texture(texture, use.mean_m3h, state.get("texture")) if texture and use else None
        self.judge = Judge(self)
        self.quarter = self.hour = -1
        self.local_hour = self.day_minute = 0
        self.in_night = False
        self.day: date | None = None
        self.weekday = 0
        self.usual = self.before = self.after = self.still = 0.0
        self.found: list[Finding] = []
        if self.minute is not None:
            self.hour = self.minute // 60
            self.day = datetime.fromtimestamp(self.minute * 60, self.zone).date()
            self.weekday = self._kind(self.day)
            self._new_quarter(self.minute)

    def state(self) -> dict[str, Any]:
        """Plain JSON values, about 19 kB, never growing."""
        return {
            "format": STATE_FORMAT,
            "criteria": self.criteria.version,
            "minute": self.minute,
            "ahead": self.ahead,
            "ratio": self.ratio,
            "flow_gate": self.flow_gate.state(),
            "pressure_gate": self.pressure_gate.state(),
            "incident": self.incident.state(),
            **{name: part.state() if (part := getattr(self, name)) else None for name in PARTS},
        }

    def step(
        self, minute: int, flow: float | None, pressure: float | None, forecast: HourForecast | None = None
    ) -> Verdict:
        """Judge UTC minute `minute`: `flow` m3/h, `pressure` bar, None = no value. Minutes left out are missing."""
        if self.minute is not None and minute != self.minute + 1:
            if minute <= self.minute:
                raise ValueError(f"minute {minute} is not after {self.minute}")
            self.flow_gate.gap(minute, minute - self.minute - 1)
            self.pressure_gate.gap(minute, minute - self.minute - 1)
        self.minute = minute
        if minute // 15 != self.quarter:
            self._new_quarter(minute)
        flow_letter = self.flow_gate.step(minute, flow)
        pressure_letter = self.pressure_gate.step(minute, pressure)
        if flow is not None and flow_letter == OK and self.value is not None:
            wrong = self.incident.wrong  # what flows is judged, rather than what the meter says
            flows = flow if wrong is None else flow / (1.0 + wrong.size)
            self._flow(minute, flows, forecast)
            if pressure is not None and pressure_letter == OK and self.supply is not None:
                instruments.measured(self, minute, flow, flows, pressure)
        return self._verdict(minute, flow_letter, pressure_letter)

    def _flow(self, minute: int, flow: float, forecast: HourForecast | None) -> None:
        value, steps = self.value, self.steps
        if value is None or steps is None:
            return
        place = minute % 15 - 7
        usual = self.usual + place * (self.after if place > 0 else self.before)
        value.flow_sum += flow
        value.usual_sum += usual
        value.rows += 1
        if self.texture is not None:
            self.texture.row(minute, flow)
        if steps.since is None:  # a forecast made during a step has the step in it already
            self.ratio = self._ratio(forecast)
        news = steps.step(minute, flow - usual * self.ratio - value.offset * value.use.mean_m3h)
        if news:
            self.judge.stepped(minute, news)
        if self.incident.leak is not None and steps.fast < steps.base:
            self.judge.fallen(minute)
        if self.in_night and self.night is not None:
            self.night.row(self.day_minute + minute % 15, flow)

    def _ratio(self, forecast: HourForecast | None) -> float:
        """What to expect now, as a multiple of the criterion; a known leak is not in it."""
        if forecast is None or forecast.flow_m3h is None or self.incident.leak is not None:
            return 1.0 + self.ahead
        return forecast.flow_m3h / _hour_mean(self.profile(), self.local_hour)

    def _read_as(self, other: bool = False) -> int:
        """The kind of day in the reading that fits better, or in the `other`."""
        assert self.value is not None
        return SUNDAY if self.value.as_sunday != other else self.weekday

    def profile(self, other: bool = False) -> tuple[float, ...]:
        """The day's criterion."""
        assert self.criteria.use is not None
        return self.criteria.use.profile_m3h[self._read_as(other)]

    def _reading(self, other: bool = False) -> Reading:
        """The running hour as that kind of day has it."""
        return Reading(self._read_as(other) * 24 + self.local_hour, _hour_mean(self.profile(other), self.local_hour))

    def set_limits(self) -> None:
        """PREDICT's limits go with the hour of the week and with the level."""
        if self.steps is not None and self.day is not None:
            kind = self._read_as()
            scale = HOLIDAY if self.day in self.holidays else 1.0
            self.steps.limits(kind * 24 + self.local_hour, scale * (1.0 + self.ahead))

    def still_flow(self, since: int) -> Still | None:
        """What stands still since UTC minute `since`, share of the mean flow."""
        if self.texture is None:
            return None
        return self.texture.since(since, self.supply.wandered() if self.supply is not None else 0.0)

    def standing(self, since: int) -> Still | None:
        """The same beyond what is known of."""
        still = self.still_flow(since)
        if still is None or self.value is None:
            return None
        return Still(still.size - self.value.steady - self.value.tracker.still, still.error)

    def _new_quarter(self, minute: int) -> None:
        """Every 15 minutes: the local time, the criterion, and what is due at the end of an hour and a night."""
        quarter = minute // 15
        hour = minute // 60
        if hour != self.hour:
            if self.hour >= 0:
                self._close_hour(minute)
            self.hour = hour
        if self.scale is not None and self.quarter >= 0 and self.scale.close_quarter(self.quarter, minute):
            instruments.scaled(self, minute)
        local = datetime.fromtimestamp(quarter * 900, self.zone)
        self.quarter = quarter
        self.local_hour = local.hour
        self.day_minute = local.hour * 60 + local.minute
        day = local.date()
        if day != self.day:
            self._new_day(day)
        in_night = START_MIN <= self.day_minute < END_MIN
        if self.in_night and not in_night:
            night_rule.over(self, minute)
        self.in_night = in_night
        if self.steps is not None:
            self.set_limits()
            row, place = self.profile(), self.day_minute // 15
            here = row[place]
            self.usual = here
            self.before = (here - row[place - 1]) / 15 if place else 0.0
            self.after = (row[place + 1] - here) / 15 if place < len(row) - 1 else 0.0
        if self.texture is not None:
            self.texture.new_quarter(quarter, self.usual * self.ratio)
        if self.criteria.pressure_use is not None:
            self.still = self.criteria.pressure_use.still_bar[self.day_minute // 15]

    def _new_day(self, day: date) -> None:
        self.day = day
        self.weekday = self._kind(day)
        if self.value is not None:
            self.value.new_day(working=self.weekday != SUNDAY)

    def _kind(self, day: date) -> int:
        return SUNDAY if day in self.holidays else day.weekday()

    def _close_hour(self, minute: int) -> None:
        if self.value is None or self.steps is None:
            return
        own, other = self._reading(), self._reading(other=True)
        if self.value.close(self.hour, own, other, self.still_flow(self.hour * 60)):
            self.judge.read_anew(minute, (other.usual_m3h - own.usual_m3h) * (1.0 + self.ahead))
        if self.steps.since is None:
            self.ahead = self.value.tracker.steady()
            self.steps.stretch = self.value.tracker.stretch()
        if self.witness is not None:
            self.witness.close_hour(self.hour)
        self.judge.hour_over(minute)

    def report(
        self,
        rule: Rule,
        minute: int,
        *,
        raised: bool,
        reason: str,
        since: int | None = None,
        value: float = 0.0,
        limit: float = 0.0,
    ) -> None:
        """Add a finding to this minute's verdict."""
        self.found.append(
            Finding(
                sensor=self.sensor,
                minute=minute,
                since=minute if since is None else since,
                channel=rule.channel,
                method=rule.method,
                code=rule.code,
                kind=rule.kind,
                severity=rule.severity,
                state=RAISE if raised else CLEAR,
                reason=reason,
                value=float(value),
                limit=float(limit),
            )
        )

    def _verdict(self, minute: int, flow_letter: str, pressure_letter: str) -> Verdict:
        for gate in (self.flow_gate, self.pressure_gate):
            if gate.events:
                for letter, raised, since, reason, value, limit in gate.events:
                    rule = GATE[gate.name, letter]
                    self.report(rule, minute, raised=raised, reason=reason, since=since, value=value, limit=limit)
                gate.events.clear()
        supply = self.supply
        if flow_letter == OK and self.incident.wrong is not None:
            flow_letter = "B"
        pressure_rest = "00"
        if supply is not None and (supply.since is not None or supply.drifting):
            if supply.drifting and pressure_letter == OK:
                pressure_letter = "D"
            pressure_rest = "0P" if supply.since is not None else "00"
        flow_flags = flow_letter + self.incident.letters()
        pressure_flags = pressure_letter + pressure_rest
        if not self.found:
            return Verdict(flow_flags, pressure_flags, ())
        found = tuple(self.found)
        self.found.clear()
        return Verdict(flow_flags, pressure_flags, found)

    def local(self, minute: int) -> str:
        """Local time for a reason text."""
        return f"{datetime.fromtimestamp(minute * 60, self.zone):%d %b %H:%M}"
