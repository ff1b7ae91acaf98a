"""Findings during planned work: kept, marked, told to nobody; and what outlasts the work is raised."""

from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec.structs import replace
from outlier_site import MEAN_M3H, START, history

from outliers.calendar import Work
from outliers.criteria import Criteria
from outliers.findings import CLEAR, RAISE, End, Finding
from outliers.flags import PLANNED
from outliers.watch.detector import Detector
from outliers.watch.planned import AFTER_MIN, Planned
from outliers.watch.row_flags import RowFlags

UTC = ZoneInfo("UTC")
T, DAY = 28_000_000, 1440
WORK = Work("all", T, T + 120, "flushing")
CLEAN = RowFlags("0000", "000", ())


def finding(minute: int, method: str = "PREDICT", state: str = RAISE, severity: str = "leak") -> Finding:
    code = {"leak": "LEAK", "fault": "SYS-RANGE", "supply": "SUP-STEP"}[severity]
    channel = "pressure" if severity == "supply" else "flow"
    return Finding("001", minute, minute - 5, channel, method, code, severity, severity, state, {"rise_m3h": 2.0})


def raised(flags: str, *found: Finding, pressure: str = "000") -> RowFlags:
    return RowFlags(flags, pressure, found)


def test_without_work_a_verdict_is_what_it_was() -> None:
    verdict = raised("00L0", finding(T))
    assert Planned().step(T, verdict, ()) is verdict
    assert Planned().step(T - 1, raised("00L0", finding(T - 1)), [WORK]).findings == (finding(T - 1),)


def test_a_leak_during_work_is_kept_and_marked_with_the_work_and_a_small_letter() -> None:
    planned = Planned()
    verdict = planned.step(T, raised("00L0", finding(T)), [WORK])
    (one,) = verdict.findings
    assert (one.severity, one.work, one.numbers) == (PLANNED, "flushing", {"rise_m3h": 2.0})
    assert verdict.flow_flags == "00l0"
    assert planned.step(T + 1, raised("00L0"), [WORK]).flow_flags == "00l0"
    over = planned.step(T + 2, raised("0000", finding(T + 2, state=CLEAR)), [WORK])
    assert [(one.state, one.severity) for one in over.findings] == [(CLEAR, PLANNED)]
    assert planned.state() == []


def test_what_outlasts_the_work_is_raised_as_what_it_is() -> None:
    planned, end = Planned(), WORK.end + AFTER_MIN["PREDICT"]
    planned.step(T, raised("00L0", finding(T)), [WORK])
    assert planned.step(end - 1, raised("00L0"), [WORK]).findings == ()
    verdict = planned.step(end, raised("00L0"), [WORK])
    over, leak = verdict.findings
    assert (over.state, over.severity, over.minute, over.end) == (CLEAR, PLANNED, end, End.PLAN_OVER)
    assert over.numbers == {}
    assert leak == replace(finding(T), minute=end, work="flushing")
    assert verdict.flow_flags == "00L0"
    clear = finding(end + 9, state=CLEAR)
    assert planned.step(end + 9, raised("0000", clear), [WORK]).findings == (clear,)


@pytest.mark.parametrize(("method", "minutes"), [("SYSTEM", 15), ("PREDICT", 30), ("VALUE", 120), ("NIGHT", 1440)])
def test_what_a_method_still_sees_of_a_work_that_has_just_ended_is_no_alarm(method: str, minutes: int) -> None:
    """VALUE judges whole hours, and NIGHT once a day: each needs its time to see that the work is over."""
    late = finding(WORK.end + minutes, method)
    verdict = Planned().step(late.minute, raised("0000", late), [WORK])
    assert [one.severity for one in verdict.findings] == [PLANNED]


def test_a_work_that_is_taken_out_of_the_calendar_explains_nothing_any_more() -> None:
    planned = Planned()
    planned.step(T, raised("00L0", finding(T)), [WORK])
    assert [one.severity for one in planned.step(T + 1, raised("00L0"), []).findings] == [PLANNED, "leak"]


def test_what_was_up_before_the_work_stays_an_alarm() -> None:
    planned = Planned()
    assert planned.step(T - 1, raised("00L0", finding(T - 1)), [WORK]).flow_flags == "00L0"
    assert planned.step(T, raised("00L0"), [WORK]).flow_flags == "00L0"
    over = finding(T + 5, state=CLEAR)
    assert planned.step(T + 5, raised("0000", over), [WORK]).findings == (over,)


def test_the_night_after_nightly_work_is_explained_by_it() -> None:
    night = finding(WORK.end + 300, "NIGHT")
    assert Planned().step(night.minute, raised("000L", night), [WORK]).findings[0].severity == PLANNED
    step = finding(WORK.end + 300)
    assert Planned().step(step.minute, raised("00L0", step), [WORK]).findings == (step,)


def test_a_value_that_is_not_believed_keeps_its_letter() -> None:
    verdict = Planned().step(T, raised("R000", finding(T, "SYSTEM", severity="fault")), [WORK])
    assert (verdict.flow_flags, verdict.findings[0].severity) == ("R000", PLANNED)
    supply = Planned().step(T, raised("00W0", finding(T, severity="supply"), pressure="00P"), [WORK])
    assert (supply.flow_flags, supply.pressure_flags) == ("00W0", "00p")


def test_a_restart_in_the_middle_changes_nothing() -> None:
    straight, broken, end = Planned(), Planned(), WORK.end + AFTER_MIN["PREDICT"]
    verdicts = {T: raised("00L0", finding(T))}
    for minute in range(T - 1, end + 2):
        verdict = verdicts.get(minute, raised("00L0") if minute > T else CLEAN)
        broken = Planned(msgspec.convert(msgspec.to_builtins(broken.state()), list[Finding]))
        assert straight.step(minute, verdict, [WORK]) == broken.step(minute, verdict, [WORK])


@pytest.mark.parametrize("known", [True, False])
def test_a_flushing_of_three_hours_is_a_leak_only_if_nobody_knew(learnt: Criteria, known: bool) -> None:
    """The product's own detector on a made-up district; the flow returns to its usual after the work."""
    rows = history(4, seed=2, first=START + 70 * DAY)
    begin, end = 2 * DAY + 600, 2 * DAY + 780
    before = (rows.flow[begin:end] / MEAN_M3H) ** 1.85
    rows.flow[begin:end] += 0.4 * MEAN_M3H
    rows.pressure[begin:end] -= 0.3 * ((rows.flow[begin:end] / MEAN_M3H) ** 1.85 - before)
    work = Work("001", rows.first + begin - 10, rows.first + end + 10, "flushing")
    detector, planned, works = Detector("001", learnt, UTC), Planned(), [work] if known else []
    told: list[Finding] = []
    letters: set[str] = set()
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        minute = rows.first + place
        verdict = planned.step(minute, detector.step(minute, flow, pressure), works)
        told += verdict.findings
        letters |= set(verdict.flow_flags)
    severities = {one.severity for one in told}
    assert ("leak" in severities, "L" in letters) == (not known, not known)
    assert (PLANNED in severities, "l" in letters) == (known, known)
    assert planned.state() == []
