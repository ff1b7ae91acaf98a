"""The detector of one sensor: a closed minute goes in, its flags and findings come out. State of constant size.

SYSTEM (`gate`) runs first; values that it rejects never reach PREDICT (each minute), VALUE (each hour), NIGHT
(`flow_watch`).
"""

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from outliers import criteria as stored
from outliers.criteria import Criteria
from outliers.detectability import AS_LEARNT, Weeks
from outliers.outage import is_dry
from outliers.watch.active import Leak
from outliers.watch.closing import Closing
from outliers.watch.detector_state import DetectorState, copy_of, still_valid
from outliers.watch.evidence import DRIFT, GATES, LOGGER_DRIFT, LOGGER_LOW, METER, SUPPLY_STEP
from outliers.watch.expectation import HourForecast
from outliers.watch.finding_log import FindingLog
from outliers.watch.flow_watch import FlowWatch
from outliers.watch.gate import OK, Gate
from outliers.watch.logger_watch import LoggerWatch
from outliers.watch.row_flags import RowFlags

__all__ = ["Detector", "DetectorState", "HourForecast", "RowFlags", "default_criteria"]


def default_criteria(sensor: str) -> Criteria:
    """Without history: wide physical limits, so only SYSTEM works."""
    return stored.initial(sensor)


class Detector:
    """Detects outliers of one sensor. `Detector(..., state=other.state())` continues exactly where `other` stopped."""

    def __init__(
        self,
        sensor: str,
        criteria: Criteria,
        zone: ZoneInfo,
        state: DetectorState | None = None,
        holidays: Collection[date] = (),
    ) -> None:
        state = still_valid(state or DetectorState(), criteria)
        self.sensor, self.criteria, self.holidays = sensor, criteria, frozenset(holidays)
        self.minute = state.minute
        self.quiet_minutes = 0  # so many without a row are no gap, because the meter is read less often
        self.flow_gate = Gate("flow", criteria.flow, state.flow_gate)
        self.pressure_gate = Gate("pressure", criteria.pressure, state.pressure_gate)
        self.outage = state.outage
        self.log = FindingLog(sensor, state.active)
        self.logger = LoggerWatch(criteria.logger, zone, state.logger) if criteria.logger else None
        self.watch: FlowWatch | None = None
        if criteria.use is not None:
            self.watch = FlowWatch(criteria, criteria.use, zone, self.log, holidays=self.holidays, state=state.flow)
            if self.minute is not None:
                self.watch.restart(self.minute)

    def state(self) -> DetectorState:
        """The complete current state: about 20 kB as JSON, of constant size."""
        state = DetectorState(
            criteria=self.criteria.version,
            minute=self.minute,
            flow_gate=self.flow_gate.state,
            pressure_gate=self.pressure_gate.state,
            outage=self.outage,
            active=self.log.active,
            logger=self.logger.state if self.logger is not None else None,
        )
        if self.watch is not None:
            state.flow = self.watch.state()
        return copy_of(state)

    def step(
        self,
        minute: int,
        flow: float | None,
        pressure: float | None,
        forecast: HourForecast | None = None,
        *,
        supplied: bool = True,
    ) -> RowFlags:
        """Check UTC minute `minute`: `flow` m3/h, `pressure` bar, None = no value. Skipped minutes count as missing.

        `supplied`: False = others know that no water comes, or that tanks fill.
        """
        if self.minute is not None and minute != self.minute + 1:
            if minute <= self.minute:
                raise ValueError(f"minute {minute} is not after {self.minute}")
            missing = minute - self.minute - 1
            if missing > self.quiet_minutes and not self.criteria.is_zone:
                self._on_gap(minute, missing)
        self.minute = minute
        flow_letter = self._letter(self.flow_gate, minute, flow, self.pressure_gate, pressure)
        pressure_letter = OK
        if not self.criteria.is_zone:
            pressure_letter = self._letter(self.pressure_gate, minute, pressure, self.flow_gate, flow)
        if self.watch is not None:
            dry = is_dry(flow_letter, flow, pressure_letter, stepped=self.watch.pressure_stepped)
            usual = self.outage.on_row(minute, dry=dry) and supplied
            accepted = pressure if pressure_letter == OK else None
            self.watch.on_row(minute, flow if flow_letter == OK else None, accepted, forecast, usual=usual)
        if self.flow_gate.seen or self.pressure_gate.seen:
            for evidence in (*self.flow_gate.take(), *self.pressure_gate.take()):
                self.log.on_evidence(evidence)
        return self._flags(flow_letter, pressure_letter)

    def _on_gap(self, minute: int, missing: int) -> None:
        both = self.flow_gate.measures == self.pressure_gate.measures
        for gate in (self.flow_gate, self.pressure_gate):
            if both or gate.measures:
                gate.on_gap(minute, missing)

    @staticmethod
    def _letter(gate: Gate, minute: int, value: float | None, other: Gate, others_value: float | None) -> str:
        """What SYSTEM says of a value. Many meters have one channel only: the other one is not missing then."""
        if value is None and not gate.measures and (others_value is not None or other.measures):
            return gate.on_nothing(minute)
        return gate.on_row(minute, value)

    def _flags(self, flow_letter: str, pressure_letter: str) -> RowFlags:
        log, active = self.log, self.log.active
        if flow_letter == OK and active.meter is not None:
            flow_letter = "B"
        value = predict = OK
        pressure = self.watch.pressure if self.watch is not None else None
        if pressure is not None:
            supply = pressure.supply.state
            if supply.drifting and pressure_letter == OK:
                pressure_letter = "D"
            if supply.since is not None:
                predict = "P"
        if self.logger is not None:
            if self.logger.state.drifting and pressure_letter == OK:
                pressure_letter = "D"
            if self.logger.state.low is not None:
                value = "W"
        pressure_flags = pressure_letter + value + predict
        return RowFlags(flow_letter + active.letters(), pressure_flags, log.take() if log.findings else ())

    def on_closing(self, minute: int, closing: Closing) -> None:
        """People have closed an incident of this sensor. `minute` is that of the next row, with which findings come."""
        if self.watch is not None:
            self.watch.on_closing(minute, closing)

    def standing(self) -> set[tuple[str, str]]:
        """Code and channel of all that is up."""
        active = self.log.active
        found = {(code, "flow") for code in active.watches}
        known = {"LEAK": active.leak, "LEAK-MORE": active.more, METER.code: active.meter}
        found |= {(code, "flow") for code, one in known.items() if one is not None}
        for gate in (self.flow_gate, self.pressure_gate):
            found |= {(GATES[gate.name, letter].code, gate.name) for letter in gate.state.up}
        if self.watch is not None and self.watch.pressure is not None:
            supply = self.watch.pressure.supply.state
            found |= {(SUPPLY_STEP.code, "pressure")} if supply.since is not None else set()
            found |= {(DRIFT.code, "pressure")} if supply.drifting else set()
        if self.logger is not None:
            found |= {(LOGGER_LOW.code, "pressure")} if self.logger.state.low is not None else set()
            found |= {(LOGGER_DRIFT.code, "pressure")} if self.logger.state.drifting else set()
        return found

    @property
    def supplied(self) -> bool:
        """Whether water comes, and no tanks fill after an outage."""
        return self.outage.first is None

    def newest_leak(self) -> tuple[Leak, float] | None:
        """The LEAK that was raised last, and its size when it was raised, m3/h; None if none is active."""
        leak = self.log.active.newest
        if leak is None or self.criteria.use is None:
            return None
        return leak, leak.size * self.criteria.use.mean_m3h

    def leak_now(self) -> tuple[float, float] | None:
        """Size of what leaks now and its standard error, m3/h; None if nothing is known to leak."""
        return self.watch.leak_now(self.minute) if self.watch is not None and self.minute is not None else None

    def weeks(self) -> Weeks:
        """How the present weeks differ from the archive's."""
        if self.watch is None or self.minute is None:
            return AS_LEARNT
        expected, use = self.watch.expectation, self.watch.expectation.use
        strictness = self.log.active.strictness(self.minute)
        return Weeks(expected.level - use.level, expected.tracker.stretch(), strictness)

    def expected(self) -> tuple[float | None, float | None]:
        """Expected flow (m3/h) and pressure (bar) at the last minute; None without criteria."""
        if self.watch is None:
            return None, None
        return self.watch.expected()
