"""Runs the methods over one sensor's trusted rows, in order: each row, quarter, hour and night.

Evidence goes from the methods to the finding log; its corrections go to the expectation. No method accesses another's
state.
"""

import math
from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from common.night import WINDOW_MINUTES
from outliers.criteria import Criteria, FlowUse
from outliers.findings import End
from outliers.flicker import SteadyFlow
from outliers.watch.active import Leak
from outliers.watch.closing import Closing, taken
from outliers.watch.correction import Correction, LeakCorrection, ScaleCorrection
from outliers.watch.evidence import STEP, Change, LeakEvidence, ended
from outliers.watch.expectation import Expectation, HourForecast
from outliers.watch.finding_log import FindingLog
from outliers.watch.flicker_watch import FlickerWatch
from outliers.watch.flow_state import FlowState
from outliers.watch.hourly import Hourly
from outliers.watch.leak_size import DOUBT_SHARE, size_now, size_to_end
from outliers.watch.low_flow import low_flow
from outliers.watch.night_minimum import NightMinimum
from outliers.watch.night_rule import STEADY_MIN, night_evidence, night_leak, night_proof, shift_leak
from outliers.watch.night_shift import NightShift
from outliers.watch.pressure_watch import pressure_watch
from outliers.watch.step_change import StepWatch

QUARTER_MIN = 15
DROP_AFTER_MIN = 30  # a leak's rise may still fluctuate
FALLING_MIN = 60  # after the larger of two leaks has ended: its fall continues and must not end the other


class FlowWatch:
    """Runs the methods of one sensor. `use` comes from the criteria."""

    def __init__(
        self,
        criteria: Criteria,
        use: FlowUse,
        zone: ZoneInfo,
        log: FindingLog,
        *,
        holidays: Collection[date],
        state: FlowState,
    ) -> None:
        self.log = log
        self.expectation = Expectation(use, zone, holidays, state.expectation)
        self.hourly = Hourly(use, state.hourly)
        self.steps = StepWatch(use, state.steps)
        self.night = NightMinimum(criteria.night, state.night) if criteria.night else None
        self.levels = NightShift(criteria.night, use.mean_m3h, state.night_levels) if criteria.night else None
        self.flicker = FlickerWatch(use.texture, use.mean_m3h, state.flicker) if use.texture else None
        self.pressure = pressure_watch(criteria, use, state)
        self._quarter = self._hour = -1
        self._in_night = False

    def state(self) -> FlowState:
        """The live state; it changes with later rows."""
        pressure = self.pressure
        return FlowState(
            expectation=self.expectation.state(),
            hourly=self.hourly.state,
            steps=self.steps.state,
            night=self.night.state if self.night else None,
            night_levels=self.levels.state if self.levels else None,
            flicker=self.flicker.state if self.flicker else None,
            supply=pressure.supply.state if pressure else None,
            residuals=pressure.history.state if pressure else None,
            scale=pressure.scale.state if pressure and pressure.scale else None,
        )

    def restart(self, minute: int) -> None:
        """Continue after UTC `minute`."""
        self._hour = minute // 60
        self.expectation.restart(minute)
        self._on_quarter(minute)

    def expected(self) -> tuple[float, float | None]:
        """Expected flow (m3/h) and pressure (bar) at the last minute."""
        flow = self.expectation.use_m3h + self.expectation.leak_m3h
        return flow, self.pressure.expected(flow) if self.pressure is not None else None

    def leak_now(self, minute: int) -> tuple[float, float] | None:
        """Size of what leaks now and its standard error, m3/h; None if nothing is known to leak."""
        known = size_now(self.log.active, minute, self.expectation.tracker, self.expectation.use.mean_m3h)
        if known is None and STEP.code in self.log.active.watches and self.steps.state.since is not None:
            rise = self.steps.rise
            return rise, math.hypot(self.steps.error(minute), DOUBT_SHARE * rise)
        return known

    # rows

    @property
    def pressure_stepped(self) -> bool:
        """Whether the pressure has stepped, and not by the flow."""
        return self.pressure is not None and self.pressure.supply.state.since is not None

    def on_row(
        self,
        minute: int,
        shown: float | None,
        pressure: float | None,
        forecast: HourForecast | None,
        *,
        usual: bool = True,
    ) -> None:
        """The flow as the meter shows it, m3/h, and the pressure, bar; None = none is accepted. `usual`: no outage."""
        if minute // QUARTER_MIN != self._quarter:
            self._on_quarter(minute)
        if not usual:
            self._on_outage(minute)
        if shown is None:
            return
        meter = self.log.active.meter
        flow = shown if meter is None else shown / (1.0 + meter.size)
        if usual:
            self._on_use(minute, flow, forecast)
        if pressure is not None and self.pressure is not None:
            if self.flicker is not None and usual:
                self.flicker.on_pressure(pressure)
            seen = self.pressure.on_row(minute, shown, flow, pressure)
            if seen is not None:
                self.log.on_evidence(seen)

    def _on_outage(self, minute: int) -> None:
        """No water comes, or tanks fill: what hour and night have had is none of their use, and a step is over."""
        self.expectation.forget_hour()
        if self._in_night and self.night is not None:
            self.night.state.unusual = True
        if self.steps.leave() is Change.ENDED:
            self.log.on_evidence(ended(STEP, minute, End.FORECAST))

    def _on_use(self, minute: int, flow: float, forecast: HourForecast | None) -> None:
        active, steps, expected = self.log.active, self.steps, self.expectation
        if self.flicker is not None:
            self.flicker.on_flow(minute, flow)
        if active.leak is not None:
            forecast = None  # a forecast may already contain the leak
        residual = expected.on_row(minute, flow, forecast, hold=steps.state.since is not None)
        change = steps.on_row(minute, residual)
        if change is not Change.NONE:
            self._on_step(minute, change)
        if active.leak is not None and steps.dropped():
            self._on_drop(minute)
        if self._in_night and self.night is not None:
            self.night.on_row(minute, expected.day_minute + minute % QUARTER_MIN, flow)

    def _on_step(self, minute: int, change: Change) -> None:
        """PREDICT reports that a step began, ended or lasted."""
        steps, expected = self.steps, self.expectation
        if change is Change.ENDED:
            self.log.on_evidence(ended(STEP, minute, End.FORECAST))
        if change is not Change.LASTED:
            return
        since = steps.state.since or minute
        proof = steps.proof(
            minute,
            explained_m3h=expected.other_kind_rise(since, minute),
            steady=self._unknown_steady(since),
            as_sunday=expected.as_sunday,
            strictness=self.log.active.strictness(minute),
        )
        seen = steps.watch(minute, proof)
        if seen is not None:
            self.log.on_evidence(seen)
        if proof.share >= 1.0 and steps.lasts(minute):
            self._on_leak(proof.leak)

    def _on_drop(self, minute: int) -> None:
        """A leak is active and the flow has dropped: has it been shut off?"""
        active = self.log.active
        leak = active.newest
        if leak is None or minute - leak.raised <= DROP_AFTER_MIN or minute - active.ended < FALLING_MIN:
            return
        end = self.steps.drop(minute, size_to_end(leak, self.expectation.tracker))
        if end is not None:
            self._correct(self.log.on_leak_end(minute, end))

    def on_closing(self, minute: int, closing: Closing) -> None:
        """People have closed an incident."""
        known = self.log.active.known
        correction = taken(minute, closing, self.log, self.expectation)
        if known is not None and self.log.active.leak is None and self.levels is not None:
            self.levels.restart(known.since)
        if correction is not None:
            self._correct(correction)

    # quarters, hours, nights

    def _on_quarter(self, minute: int) -> None:
        """Every 15 minutes: local time, profile, and the end of an hour or a night."""
        quarter, hour = minute // QUARTER_MIN, minute // 60
        expected, pressure = self.expectation, self.pressure
        if hour != self._hour:
            if self._hour >= 0:
                self._on_hour(self._hour, minute)
            self._hour = hour
        if pressure is not None and self._quarter >= 0:
            meter = pressure.on_quarter_end(self._quarter, minute, self.log.active.meter)
            if meter is not None:
                self._correct(*self.log.on_meter(meter))
        self._quarter = quarter
        expected.on_quarter(minute)
        in_night = self.night is not None and self.night.hours.touch(expected.day_minute, QUARTER_MIN)
        if self._in_night and not in_night:
            self._on_night_end(minute)
        self._in_night = in_night
        self._set_limits()
        expected.take_profile()
        if self.flicker is not None:
            self.flicker.on_quarter(quarter, expected.use_m3h)
        if pressure is not None:
            pressure.on_quarter(expected.day_minute)

    def _on_hour(self, hour: int, minute: int) -> None:
        """End of the UTC `hour`; `minute` is the first one seen after it."""
        expected, steps, log = self.expectation, self.steps, self.log
        higher_m3h = expected.on_hour(hour, self._steady(hour * 60))
        if higher_m3h is not None:
            log.on_evidence(ended(STEP, minute, End.SUNDAY))
            steps.rebase(higher_m3h)
        if steps.state.since is None:
            expected.follow()
            steps.state.stretch = expected.tracker.stretch()
        if self.pressure is not None:
            drift = self.pressure.on_hour(hour, minute, meter_wrong=log.active.meter is not None)
            if drift is not None:
                log.on_evidence(drift)
        if expected.measured:
            strictness = log.active.strictness(minute)
            leak = self.hourly.leak(minute, expected, stepped=steps.lasts(minute), strictness=strictness)
            if leak is not None:
                self._on_leak(leak)
        known = log.active.newest
        if known is None:
            self._on_quiet_hour(minute)
        elif known.raised < minute:
            self._on_leak_hour(hour, minute, known)

    def _on_quiet_hour(self, minute: int) -> None:
        """End of an hour without a LEAK."""
        scale = self.pressure.scale if self.pressure is not None else None
        for seen in (self.hourly.watch(minute, self.expectation), low_flow(minute, self.expectation, scale)):
            if seen is not None:
                self.log.on_evidence(seen)

    def _on_leak_hour(self, hour: int, minute: int, leak: Leak) -> None:
        """End of an hour during a LEAK."""
        says = self.pressure.on_leak(leak) if self.pressure is not None else None
        end = None
        if self.expectation.measured:
            size = size_to_end(leak, self.expectation.tracker)
            end = self.hourly.end(leak, size, hour, self.expectation)
        self._correct(*self.log.on_leak_hour(minute, says, end))

    def _on_night_end(self, minute: int) -> None:
        """The night window has closed."""
        if self.night is None:
            return
        result = self.night.on_night_end(self.expectation.leak_m3h)
        if result is None:
            return
        steady = self._unknown_steady(minute - STEADY_MIN)
        if self.levels is not None:
            kind = self.expectation.kind_at(result.end - WINDOW_MINUTES)
            rise = self.levels.on_night(result.end, result.shown_m3h, kind)
            more = rise and shift_leak(minute, rise, self.log.active, steady, self.expectation.use.mean_m3h)
            if more:
                self._on_leak(more)
        if self.log.active.leak is not None:
            return
        proof = night_proof(result, self.expectation, steady)
        limit = self.expectation.use.long_score * self.log.active.strictness(minute)
        for seen in night_evidence(minute, result, self.night.use):
            if seen.change is Change.ENDED:
                self.log.on_evidence(seen)
            elif proof is not None and self.log.active.leak is None:
                self.log.on_evidence(seen)
                leak = night_leak(seen, result, proof, limit=limit)
                if leak is not None:
                    self._on_leak(leak)

    # what follows

    def _on_leak(self, evidence: LeakEvidence) -> None:
        says = self.pressure.on_leak(evidence.leak) if self.pressure is not None else None
        self._correct(*self.log.on_leak(evidence, says))

    def _correct(self, *corrections: Correction) -> None:
        """Correct the expectation from now on."""
        for correction in corrections:
            rise_m3h = self.expectation.correct(correction)
            self._set_limits()
            self.steps.rebase(rise_m3h)
            if isinstance(correction, LeakCorrection) and correction.nights is not None and self.night is not None:
                size_m3h, since = correction.size * self.expectation.use.mean_m3h, round(correction.since_hour * 60)
                self.night.rebase(size_m3h, since, correction.nights)
            if isinstance(correction, ScaleCorrection) and self.levels is not None:
                self.levels.forget(correction.since_hour * 60)
        known = self.log.active.known
        if known is not None:
            self.expectation.follow_leak(known.size, DOUBT_SHARE * known.size)

    def _set_limits(self) -> None:
        self.steps.set_limits(self.expectation.slot(), self.expectation.limit_ratio())

    def _steady(self, since: int) -> SteadyFlow | None:
        """The extra steady flow since UTC minute `since`, by the flicker."""
        if self.flicker is None:
            return None
        return self.flicker.since(since, self.pressure.supply.wandered() if self.pressure is not None else 0.0)

    def _unknown_steady(self, since: int) -> SteadyFlow | None:
        return self.expectation.unknown(self._steady(since))
