"""The incident log: decides from the methods' evidence what is raised and cleared, and writes the findings.

A WATCH is raised at once; one LEAK per incident, whichever method detects it first; both are cleared with hysteresis.
It calls no method: evidence goes in, findings and corrections of the expectation come out.
"""

from outliers.findings import CLEAR, RAISE, Finding
from outliers.flags import WATCH
from outliers.watch.evidence import (
    LEAKS,
    METER,
    MORE_LEAKS,
    WATCHES,
    Change,
    Evidence,
    LeakEnd,
    LeakEvidence,
    Rule,
)
from outliers.watch.expectation import Correction, LeakCorrection, ScaleCorrection
from outliers.watch.incident import Incident, Leak, MeterBias
from outliers.watch.pressure_watch import LeakPressure, MeterEvidence
from outliers.watch.pressure_witness import AGREES

ACCEPTED_MIN = 14 * 1440  # after this a flow counts as usual, with a note
DAY_MIN = 1440  # about the accuracy of the start of a wrong scale
RECOVERY = 2.0  # times a meter's bias: how large its recovery may look in the busiest hours, as share of the mean flow
SURE = 0.75  # share of a wrong meter's effect at which a LEAK is cleared
METER_FAULT = "now a fault of the meter"


class IncidentLog:
    """The log of one sensor. `incident` holds active findings; `findings` those not taken yet."""

    def __init__(self, sensor: str, incident: Incident | None = None) -> None:
        self.sensor = sensor
        self.incident = incident or Incident()
        self.findings: list[Finding] = []

    def take(self) -> tuple[Finding, ...]:
        """The findings since the last call."""
        found, self.findings = tuple(self.findings), []
        return found

    def on_evidence(self, evidence: Evidence) -> None:
        """Raise or clear. A WATCH is raised once, and not while a LEAK is active or the meter is wrong."""
        rule, incident = evidence.rule, self.incident
        if rule.severity == WATCH:
            if evidence.change is Change.ENDED:
                self._clear_watch(rule, evidence.minute, evidence.reason)
                return
            if incident.leak is not None or incident.meter is not None or rule.code in incident.watches:
                return
            incident.watches[rule.code] = evidence.minute
        self._report(evidence)

    def on_leak(self, evidence: LeakEvidence, pressure: LeakPressure | None) -> list[Correction]:
        """A method has detected a leak: raise a LEAK, a meter fault, or nothing."""
        incident, leak = self.incident, evidence.leak
        meter = incident.meter
        if meter is not None and leak.size < RECOVERY * abs(meter.size):
            return []  # the meter may just read correctly again
        if incident.leak is not None:
            return self._on_more(evidence)
        minute, since = leak.raised, leak.since
        self._clear_watches(minute, "now a LEAK")
        if pressure is not None and meter is None and (wrong := pressure.blames(leak, AGREES)):
            return self.on_meter(wrong)
        incident.leak = leak
        incident.count(minute)
        reason = evidence.reason + (pressure.answer.words() if pressure is not None else "")
        self._report(_began(LEAKS[leak.method], evidence, reason))
        return [LeakCorrection(since // 60, leak.size, leak.by_flicker, nights=max(0, (minute - since) // 1440))]

    def _on_more(self, evidence: LeakEvidence) -> list[Correction]:
        """A second leak on top of an active LEAK."""
        incident, leak, known = self.incident, evidence.leak, self.incident.leak
        if known is None or incident.more is not None or leak.size < known.size:
            return []
        incident.more = leak
        incident.count(leak.raised)
        reason = f"{evidence.reason}, on top of the LEAK of {known.size:.0%}"
        self._report(_began(MORE_LEAKS[leak.method], evidence, reason))
        return [LeakCorrection(leak.since // 60, leak.size, leak.by_flicker)]

    def on_leak_hour(self, minute: int, pressure: LeakPressure | None, end: LeakEnd | None) -> list[Correction]:
        """End of an hour during a LEAK: it may turn out to be a meter fault, have ended, or count as usual."""
        incident, leak = self.incident, self.incident.newest
        if leak is None:
            return []
        if pressure is not None and incident.more is None and incident.meter is None:
            wrong = pressure.blames(leak, SURE)
            if wrong is not None:
                return self.on_meter(wrong)
        if end is not None:
            return [self.on_leak_end(minute, end)]
        if minute - leak.raised >= ACCEPTED_MIN:
            self._end_leak(minute, "up for 14 days: taken as the usual from here on")
        return []

    def on_leak_end(self, minute: int, end: LeakEnd) -> Correction:
        """The newest LEAK has ended."""
        leak = self._end_leak(minute, end.reason)
        return LeakCorrection(end.since_hour, -leak.size, -leak.by_flicker)

    def on_meter(self, evidence: MeterEvidence) -> list[Correction]:
        """The flow meter reads at a wrong scale, or correctly again."""
        incident, minute, scale, known = self.incident, evidence.minute, evidence.scale, self.incident.meter
        if evidence.change is Change.BEGAN:
            corrections = self._disbelieve(minute, scale.since, scale.size)
            incident.meter = MeterBias(minute, scale.size)
            self._report(
                Evidence(METER, Change.BEGAN, minute, scale.since, evidence.reason, scale.size, evidence.limit)
            )
            return [*corrections, ScaleCorrection(scale.since // 60, scale.size)]
        if known is None:
            return []
        if evidence.change is Change.ENDED:
            incident.meter = None
            self._report(Evidence(METER, Change.ENDED, minute, known.raised, evidence.reason))
            return [ScaleCorrection(scale.since // 60, -known.size)]
        incident.meter = MeterBias(known.raised, scale.size)
        return [ScaleCorrection(minute // 60, scale.size - known.size)]

    def _disbelieve(self, minute: int, since: int, size: float) -> list[Correction]:
        """The flow meter has been wrong by a share of `size` since about `since`: clear what was raised because of
        it."""
        incident, corrections = self.incident, list[Correction]()
        self._clear_watches(minute, METER_FAULT)
        if size > 0 and incident.leak is not None and incident.leak.since >= since - DAY_MIN:
            while (leak := incident.newest) is not None:
                corrections.append(self.on_leak_end(minute, LeakEnd(leak.since // 60, METER_FAULT)))
        return corrections

    def _end_leak(self, minute: int, reason: str) -> Leak:
        incident = self.incident
        leak = incident.more or incident.leak
        assert leak is not None
        if incident.more is None:
            rule, incident.leak = LEAKS[leak.method], None
        else:
            rule, incident.more, incident.ended = MORE_LEAKS[leak.method], None, minute
        self._report(Evidence(rule, Change.ENDED, minute, leak.raised, reason))
        return leak

    def _clear_watches(self, minute: int, reason: str) -> None:
        for rule in WATCHES:
            self._clear_watch(rule, minute, reason)

    def _clear_watch(self, rule: Rule, minute: int, reason: str) -> None:
        raised = self.incident.watches.pop(rule.code, None)
        if raised is not None:
            self._report(Evidence(rule, Change.ENDED, minute, raised, reason))

    def _report(self, evidence: Evidence) -> None:
        rule = evidence.rule
        self.findings.append(
            Finding(
                sensor=self.sensor,
                minute=evidence.minute,
                since=evidence.since,
                channel=rule.channel,
                method=rule.method,
                code=rule.code,
                kind=rule.kind,
                severity=rule.severity,
                state=CLEAR if evidence.change is Change.ENDED else RAISE,
                reason=evidence.reason,
                value=float(evidence.value),
                limit=float(evidence.limit),
            )
        )


def _began(rule: Rule, evidence: LeakEvidence, reason: str) -> Evidence:
    leak = evidence.leak
    return Evidence(rule, Change.BEGAN, leak.raised, leak.since, reason, evidence.value, evidence.limit)
