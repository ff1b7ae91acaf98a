"""The judge: turns what the methods say into WATCH, LEAK, FAULT and SUPPLY, each with its reason in words.

It writes the findings; the methods only count. One LEAK an incident, whichever method proves it first.
"""

from typing import TYPE_CHECKING

from outliers.flicker import Still, together
from outliers.flow_shift import Shift
from outliers.rules import MAX_AGE_H as RECENT_H
from outliers.rules import STEP_LASTING_MIN as LASTING_MIN
from outliers.rules import WATCH_AGE_H
from outliers.watch import instruments, low_flow
from outliers.watch.flicker_watch import steady
from outliers.watch.incident import (
    ACCEPTED_H,
    CREEP,
    HIGH,
    JUMP,
    LEAKS,
    LOW,
    MORE,
    STEP,
    Leak,
    Rule,
)
from outliers.watch.pressure_witness import AGREES, words

if TYPE_CHECKING:
    from outliers.watch.detector import Detector


class Judge:
    """Works on one detector's methods and incident."""

    def __init__(self, detector: "Detector") -> None:
        self.detector = detector

    # PREDICT

    def stepped(self, minute: int, news: str) -> None:
        """PREDICT saw a step begin ("watch"), end ("over") or last ("lasts")."""
        detector = self.detector
        steps, value = detector.steps, detector.value
        assert steps is not None and value is not None
        if news == "over":
            self.clear_watch(minute, STEP, "flow is back at its forecast")
            return
        since = steps.since or minute
        if news == "watch":
            rise, limit = steps.rise, steps.passed
            reason = f"since {detector.local(since)} flow is {rise:.3g} m3/h over forecast, limit {limit:.3g}"
            self.watch(STEP, minute, since=since, reason=reason, value=rise, limit=limit)
            return
        limit = value.use.step_leak * (UNSURE if value.as_sunday else 1.0) * detector.incident.strictness(minute)
        mean = value.use.mean_m3h
        over = Still((steps.rise - self._holiday_rise(since, minute)) / mean, steps.error(minute) / mean)
        still = detector.standing(since)
        size, error, score = together(over, still)
        if score < limit:
            return
        least = limit * error * mean
        reason = (
            f"for {minute - since} min flow has been {steps.rise:.3g} m3/h over forecast "
            f"({steps.rise / mean:.0%} of the mean flow), limit {least:.3g}{steady(still, mean)}"
        )
        self.leak(Leak("PREDICT", minute, since, size, size), reason=reason, value=size * mean, limit=least)

    def _holiday_rise(self, since: int, minute: int) -> float:
        """How much of a rise from `since` to `minute` the other reading of the day would explain, m3/h."""
        detector = self.detector
        if detector.value is None or not detector.value.undecided():
            return 0.0
        own, other = detector.profile(), detector.profile(other=True)
        now = detector.day_minute // 15
        then = now - (minute - since) // 15
        apart = [other[place] - own[place] for place in range(max(0, then - BASE_QUARTERS), max(1, then))]
        return max(0.0, other[now] - own[now] - min(apart)) * (1.0 + detector.ahead)

    def fallen(self, minute: int) -> None:
        """A leak is up and the flow is below its forecast: has it been shut off?"""
        detector = self.detector
        leak, steps, value = detector.incident.newest, detector.steps, detector.value
        assert leak is not None and steps is not None and value is not None
        size = leak.size * value.use.mean_m3h
        falling = minute - detector.incident.ended < FALLING_MIN
        if minute - leak.raised > 30 and not falling and steps.fallen(size):
            reason = f"flow fell by {steps.base - steps.fast:.3g} m3/h, most of the leak's {size:.3g}"
            self._clear_leak(minute, minute // 60, reason)

    # VALUE

    def hour_over(self, minute: int) -> None:
        """VALUE has a new hour."""
        detector = self.detector
        value, incident = detector.value, detector.incident
        assert value is not None
        if detector.supply is not None:
            instruments.drifted(detector, minute)
        steps = detector.steps
        stepped = steps is not None and steps.since is not None and minute - steps.since >= LASTING_MIN
        proof = value.leak(stepped, incident.strictness(minute))
        if proof is not None:
            leak = Leak("VALUE", minute, proof.since * 60, proof.size, proof.size if proof.still else 0.0)
            self.leak(leak, reason=self._excess(proof), value=proof.score, limit=value.use.short_score)
        known = incident.newest
        if known is not None:
            if known.raised < minute:
                self._leak_hour(minute)
            return
        watch = value.watch()
        limit = value.use.watch_score
        if watch is not None:
            reason = self._excess(watch)
            self.watch(HIGH, minute, since=watch.since * 60, reason=reason, value=watch.score, limit=limit)
        elif HIGH.code in incident.watches and value.tracker.rise(WATCH_AGE_H, RECENT_H).score < 0.7 * limit:
            self.clear_watch(minute, HIGH, "flow is back at its usual")
        low_flow.looked(detector, minute)

    def _excess(self, shift: Shift) -> str:
        value = self.detector.value
        assert value is not None
        mean = value.use.mean_m3h
        return (
            f"since about {self.detector.local(shift.since * 60)} flow is {shift.size * mean:.3g} ± "
            f"{shift.error * mean:.2g} m3/h above the usual ({shift.size:.0%} of the mean flow)"
            f"{steady(shift.still, mean)}"
        )

    def read_anew(self, minute: int, higher_m3h: float) -> None:
        """The day turns out to be of the other kind, whose criterion is `higher_m3h` above: no step of the flow."""
        steps = self.detector.steps
        assert steps is not None
        self.clear_watch(minute, STEP, "the day goes like a Sunday")
        steps.settle(higher_m3h)

    def _leak_hour(self, minute: int) -> None:
        incident = self.detector.incident
        value, leak, witness = self.detector.value, incident.newest, self.detector.witness
        assert value is not None and leak is not None
        asked = witness is not None and incident.more is None
        answer = witness.answer(leak.since, leak.size) if witness and asked else None
        if answer is not None and instruments.blamed(self.detector, leak, answer, SURE):
            return
        textured = leak.steady > 0.0
        if value.gone(leak.size, textured=textured):
            fall = value.tracker.fall(1, RECENT_H, textured=textured)
            self._clear_leak(minute, fall.since, f"flow is back at its usual: {-fall.size:.1%} of the mean less")
        elif minute - leak.raised >= ACCEPTED_H * 60:
            self._end_leak(minute, "up for 14 days: taken as the usual from here on")

    def not_believed(self, minute: int, since: int, size: float) -> None:
        """The flow meter has been wrong by a share of `size` since about `since`: what was raised for it is none."""
        incident = self.detector.incident
        for rule in (STEP, HIGH, LOW, JUMP, CREEP):
            self.clear_watch(minute, rule, "now a fault of the meter")
        if size > 0 and incident.leak is not None and incident.leak.since >= since - DAY_MIN:
            while incident.newest is not None:
                self._clear_leak(minute, incident.newest.since // 60, "now a fault of the meter")

    def rescale(self, since: int, size: float) -> None:
        """The flow comes lower by a share of `size` from here on, and should have since UTC minute `since`."""
        detector = self.detector
        hours, steps = detector.value, detector.steps
        assert hours is not None and steps is not None
        hours.rescale(since // 60, size)
        steps.settle(detector.usual * (self._take_level() + size))

    # raising and clearing

    def watch(self, rule: Rule, minute: int, *, since: int, reason: str, value: float, limit: float) -> None:
        incident = self.detector.incident
        if incident.leak is None and incident.wrong is None and rule.code not in incident.watches:
            incident.watches[rule.code] = minute
            self.detector.report(rule, minute, raised=True, reason=reason, since=since, value=value, limit=limit)

    def clear_watch(self, minute: int, rule: Rule, reason: str) -> None:
        raised = self.detector.incident.watches.pop(rule.code, None)
        if raised is not None:
            self.detector.report(rule, minute, raised=False, reason=reason, since=raised)

    def leak(self, leak: Leak, *, reason: str, value: float, limit: float) -> None:
        detector = self.detector
        incident, hours, night = detector.incident, detector.value, detector.night
        assert hours is not None
        if incident.wrong is not None and leak.size < RECOVERY * abs(incident.wrong.size):
            return  # the meter may just read as it should again
        if incident.leak is not None:
            self._more(leak, reason=reason, value=value, limit=limit)
            return
        minute, since, size = leak.raised, leak.since, leak.size
        for rule in (STEP, HIGH, LOW, JUMP, CREEP):
            self.clear_watch(minute, rule, "now a LEAK")
        answer = detector.witness.answer(since, size) if detector.witness else None
        if answer is not None and instruments.blamed(detector, leak, answer, AGREES):
            return
        incident.leak = leak
        incident.count(minute)
        size_m3h = size * hours.use.mean_m3h
        self._expect(since // 60, size, leak.steady)
        if night is not None:
            night.settle(size_m3h, max(0, (minute - since) // 1440))
        reason += words(answer)
        detector.report(LEAKS[leak.method], minute, raised=True, reason=reason, since=since, value=value, limit=limit)

    def _more(self, leak: Leak, *, reason: str, value: float, limit: float) -> None:
        """A LEAK is up, and what is seen comes on top of it."""
        detector = self.detector
        incident = detector.incident
        known = incident.leak
        assert known is not None
        if incident.more is not None or leak.size < known.size:
            return
        incident.more = leak
        incident.count(leak.raised)
        self._expect(leak.since // 60, leak.size, leak.steady)
        reason += f", on top of the LEAK of {known.size:.0%}"
        rule = MORE[leak.method]
        detector.report(rule, leak.raised, raised=True, reason=reason, since=leak.since, value=value, limit=limit)

    def _clear_leak(self, minute: int, since_hour: int, reason: str) -> None:
        detector = self.detector
        leak = detector.incident.newest
        assert leak is not None
        self._expect(since_hour, -leak.size, -leak.steady)
        self._end_leak(minute, reason)

    def _expect(self, since_hour: int, size: float, steady: float) -> None:
        """Expect `size` (share of the mean) more from here on, and correct what was learnt since `since_hour`.

        `steady` of it is what the texture has seen.
        """
        detector = self.detector
        hours, steps = detector.value, detector.steps
        assert hours is not None and steps is not None
        offset = hours.offset
        hours.accept(since_hour, size, steady)
        steps.settle(detector.usual * self._take_level() + (hours.offset - offset) * hours.use.mean_m3h)

    def _take_level(self) -> float:
        """Go on from VALUE's level, which has been corrected; what it is more, as a share of the criterion."""
        detector = self.detector
        assert detector.value is not None
        before = detector.ratio
        detector.ahead = detector.value.tracker.steady()
        detector.ratio = 1.0 + detector.ahead
        detector.set_limits()
        return detector.ratio - before

    def _end_leak(self, minute: int, reason: str) -> None:
        incident = self.detector.incident
        leak = incident.newest
        assert leak is not None
        if incident.more is None:
            rule, incident.leak = LEAKS[leak.method], None
        else:
            rule, incident.more, incident.ended = MORE[leak.method], None, minute
        self.detector.report(rule, minute, raised=False, reason=reason, since=leak.raised)


BASE_QUARTERS = 6  # before a step that its base may rest on
UNSURE = 1.5  # times a LEAK's limit on a day that is read as a Sunday: a burst can make it look like one
DAY_MIN = 1440  # about so well is the beginning of a wrong scale known
RECOVERY = 2.0  # times a wrong meter's share: what its recovery may look like in the busiest hours, of the mean flow
FALLING_MIN = 60  # after the larger of two leaks has ended: its own fall goes on and must not end the other
SURE = 0.75  # share of what a wrong meter would show at which a LEAK is taken back
