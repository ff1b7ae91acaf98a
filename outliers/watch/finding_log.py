"""The finding log: decides from the methods' evidence what is raised and cleared, and writes the findings.

A WATCH is raised at once; one LEAK per trouble, whichever method detects it first; both are cleared with hysteresis.
It calls no method: evidence goes in, findings and corrections of the expectation come out.
"""

import math

from outliers.findings import CLEAR, RAISE, End, Finding, Note
from outliers.flags import WATCH
from outliers.watch.active import ActiveFindings, Leak, MeterBias
from outliers.watch.correction import Correction, LeakCorrection, ScaleCorrection
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
from outliers.watch.pressure_watch import LeakPressure, MeterEvidence
from outliers.watch.pressure_witness import AGREES

STANDING_MIN = 14 * 1440  # after this a LEAK hides no smaller one, and one on top of it is part of it
SCALE_START_MIN = 1440  # about the accuracy of the start of a wrong scale
RECOVERY = 2.0  # times a meter's bias: how large its recovery may look in the busiest hours, as share of the mean flow
SURE = 0.75  # share of a wrong meter's effect at which a LEAK is cleared


class FindingLog:
    """The log of one sensor. `active` holds what is up; `findings` those not taken yet."""

    def __init__(self, sensor: str, active: ActiveFindings | None = None) -> None:
        self.sensor = sensor
        self.active = active or ActiveFindings()
        self.findings: list[Finding] = []

    def take(self) -> tuple[Finding, ...]:
        """The findings since the last call."""
        found, self.findings = tuple(self.findings), []
        return found

    def on_evidence(self, evidence: Evidence) -> None:
        """Raise or clear. A WATCH of the flow is raised once, and not while a LEAK is active or the meter is wrong."""
        rule, active = evidence.rule, self.active
        if rule.severity == WATCH and rule.channel == "flow":
            if evidence.change is Change.ENDED:
                self._clear_watch(rule, evidence.minute, evidence.end)
                return
            if active.leak is not None or active.meter is not None or rule.code in active.watches:
                return
            active.watches[rule.code] = evidence.minute
        self._report(evidence)

    def on_leak(self, evidence: LeakEvidence, pressure: LeakPressure | None) -> list[Correction]:
        """A method has detected a leak: raise a LEAK, a meter fault, or nothing."""
        active, leak = self.active, evidence.leak
        meter = active.meter
        if meter is not None and leak.size < RECOVERY * abs(meter.size):
            return []  # the meter may just read correctly again
        if active.repeats.explain(leak.since, leak.raised, leak.size):
            return []
        if active.leak is not None:
            return self._on_more(evidence)
        minute, since = leak.raised, leak.since
        self._clear_watches(minute, End.LEAK)
        if pressure is not None and meter is None and (wrong := pressure.blames(leak, AGREES)):
            return self.on_meter(wrong)
        active.leak = leak
        active.count(minute)
        self._report(_began(LEAKS[leak.method], evidence, pressure))
        return [LeakCorrection(since / 60, leak.size, leak.by_flicker, nights=max(0, (minute - since) // 1440))]

    def _on_more(self, evidence: LeakEvidence) -> list[Correction]:
        """A second leak on top of an active LEAK."""
        active, leak, known = self.active, evidence.leak, self.active.leak
        if leak.method == "NIGHT":  # its nights hold the leaks that are known
            self._merge(leak.raised)
        elif active.more is not None or (known is not None and self._hides(known, leak)):
            return []
        active.more = leak
        active.count(leak.raised)
        self._report(_began(MORE_LEAKS[leak.method], evidence))
        return [LeakCorrection(leak.since / 60, leak.size, leak.by_flicker)]

    def on_leak_hour(self, minute: int, pressure: LeakPressure | None, end: LeakEnd | None) -> list[Correction]:
        """End of an hour during a LEAK: it may turn out to be a meter fault, or have ended."""
        active, leak = self.active, self.active.newest
        if leak is None:
            return []
        if pressure is not None and active.more is None and active.meter is None:
            wrong = pressure.blames(leak, SURE)
            if wrong is not None:
                return self.on_meter(wrong)
        if end is not None:
            return [self.on_leak_end(minute, end)]
        if minute - leak.raised >= STANDING_MIN:
            self._merge(minute)
        return []

    @staticmethod
    def _hides(known: Leak, leak: Leak) -> bool:
        """Whether a smaller leak may be no more than what is not known of the known one's size."""
        return leak.size < known.size and leak.raised - known.raised < STANDING_MIN

    def _merge(self, minute: int) -> None:
        """What is on top of a LEAK becomes part of it."""
        active = self.active
        if active.more is not None:
            whole = active.known
            self._end_leak(minute, End.PART)
            active.leak = whole

    def end_all(self, minute: int, end: End, until: int | None = None) -> None:
        """End the LEAK and what is on top of it. `until`: until when it flowed, if not until now."""
        while self.active.newest is not None:
            self._end_leak(minute, end, until)

    def on_leak_end(self, minute: int, end: LeakEnd) -> Correction:
        """The newest LEAK has ended."""
        leak = self._end_leak(minute, end.end, end.until, **end.numbers)
        grown = 0.0 if end.size is None else end.size - leak.size
        return LeakCorrection(end.since_hour, -leak.size, -leak.by_flicker, raised_hour=leak.raised / 60, grown=grown)

    def on_meter(self, evidence: MeterEvidence) -> list[Correction]:
        """The flow meter reads at a wrong scale, or correctly again."""
        active, minute, scale, known = self.active, evidence.minute, evidence.scale, self.active.meter
        if evidence.change is Change.BEGAN:
            corrections = self._disbelieve(minute, scale.since, scale.size)
            active.meter = MeterBias(minute, scale.size)
            self._report(Evidence(METER, Change.BEGAN, minute, scale.since, evidence.numbers))
            return [*corrections, ScaleCorrection(scale.since // 60, scale.size)]
        if known is None:
            return []
        if evidence.change is Change.ENDED:
            active.meter = None
            self._report(Evidence(METER, Change.ENDED, minute, known.raised, {}, end=End.GOOD))
            return [ScaleCorrection(scale.since // 60, -known.size)]
        active.meter = MeterBias(known.raised, scale.size)
        return [ScaleCorrection(minute // 60, scale.size - known.size)]

    def _disbelieve(self, minute: int, since: int, size: float) -> list[Correction]:
        """The flow meter has been wrong by a share of `size` since about `since`: clear what was raised because of
        it."""
        active, corrections = self.active, list[Correction]()
        self._clear_watches(minute, End.METER)
        if size > 0 and active.leak is not None and active.leak.since >= since - SCALE_START_MIN:
            while (leak := active.newest) is not None:
                corrections.append(self.on_leak_end(minute, LeakEnd(leak.since // 60, End.METER, {})))
        return corrections

    def _end_leak(self, minute: int, end: End, until: int | None = None, **numbers: float) -> Leak:
        active = self.active
        leak = active.more or active.leak
        assert leak is not None
        if active.more is None:
            rule, active.leak = LEAKS[leak.method], None
        else:
            rule, active.more, active.ended = MORE_LEAKS[leak.method], None, minute
        if end in (End.FELL, End.USUAL):
            active.repeats.on_use(leak.since, minute, leak.size)
        self._report(Evidence(rule, Change.ENDED, minute, leak.raised, numbers, end=end, until=until))
        return leak

    def _clear_watches(self, minute: int, end: End) -> None:
        for rule in WATCHES:
            self._clear_watch(rule, minute, end)

    def _clear_watch(self, rule: Rule, minute: int, end: End | None) -> None:
        raised = self.active.watches.pop(rule.code, None)
        if raised is not None:
            self._report(Evidence(rule, Change.ENDED, minute, raised, {}, end=end))

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
                numbers={name: float(value) for name, value in evidence.numbers.items() if math.isfinite(value)},
                notes=[*evidence.notes],
                end=evidence.end or "",
                point=evidence.point,
                until=evidence.until,
            )
        )


def _began(rule: Rule, evidence: LeakEvidence, pressure: LeakPressure | None = None) -> Evidence:
    """The raise of a LEAK, with what the pressure says about it."""
    leak, numbers, notes = evidence.leak, {**evidence.numbers}, list[Note]()
    if pressure is not None:
        numbers |= pressure.answer.numbers
        notes.append(pressure.answer.note)
    return Evidence(rule, Change.BEGAN, leak.raised, leak.since, numbers, tuple(notes))
