"""A larger leak on top of a known one is an alarm of its own, and one LEAK after another raises the limits."""

import msgspec
import pytest
from outlier_site import DAY, MEAN_M3H, START, UTC, burst, days, detect

from outliers.criteria import Criteria
from outliers.watch.active import FREE, MEMORY_MIN, STRICTER, ActiveFindings
from outliers.watch.detector import Detector

HALF_DAY = DAY // 2


def test_a_burst_on_top_of_a_smaller_leak_is_raised_by_itself_and_ends_by_itself(learnt: Criteria) -> None:
    rows = days(9)
    burst(rows, 2 * DAY, len(rows.flow), 0.2)
    burst(rows, 4 * DAY + HALF_DAY, 5 * DAY + HALF_DAY, 0.6)
    found, flags = detect(learnt, rows)
    leaks = [(one.code, one.state) for one in found if one.code.startswith("LEAK")]
    assert leaks == [("LEAK", "raise"), ("LEAK-MORE", "raise"), ("LEAK-MORE", "clear")]
    more, over = (one for one in found if one.code == "LEAK-MORE")
    assert 0 < more.minute - rows.first - 4 * DAY - HALF_DAY <= 60
    assert more.numbers["rise_m3h"] == pytest.approx(0.6 * MEAN_M3H, rel=0.2)
    assert 0 < over.minute - rows.first - 5 * DAY - HALF_DAY <= 180
    assert "L" in flags[-1], "the first one still runs"


def test_both_leaks_end(learnt: Criteria) -> None:
    rows = days(8)
    burst(rows, 2 * DAY, 6 * DAY, 0.2)
    burst(rows, 4 * DAY + HALF_DAY, 5 * DAY + HALF_DAY, 0.6)
    found, flags = detect(learnt, rows)
    assert [one.code for one in found if one.state == "clear" and one.code.startswith("LEAK")] == ["LEAK-MORE", "LEAK"]
    assert "L" not in flags[-1]


def test_a_smaller_rise_on_top_of_a_leak_waits_for_two_nights(learnt: Criteria) -> None:
    """Until then it may be what is not known of the first one's size."""
    rows = days(8)
    burst(rows, 2 * DAY, len(rows.flow), 0.6)
    burst(rows, 4 * DAY + HALF_DAY, len(rows.flow), 0.25)
    found, _ = detect(learnt, rows)
    first, more = (one for one in found if one.code.startswith("LEAK"))
    assert (first.method, more.method, more.code) == ("PREDICT", "NIGHT", "LEAK-MORE")
    assert 6 * DAY < more.minute - rows.first < 6 * DAY + HALF_DAY
    assert more.numbers["night_m3h"] - more.numbers["usual_m3h"] == pytest.approx(0.25 * MEAN_M3H, rel=0.3)


def test_a_restart_with_two_leaks_up_changes_nothing(learnt: Criteria) -> None:
    rows = days(8)
    burst(rows, 2 * DAY, 6 * DAY, 0.2)
    burst(rows, 4 * DAY + HALF_DAY, 5 * DAY + HALF_DAY, 0.6)
    assert detect(learnt, rows) == detect(learnt, rows, restart_at=[5 * DAY])


def test_leaks_one_after_another_raise_the_limits_and_a_quiet_while_lowers_them() -> None:
    active = ActiveFindings()
    assert active.strictness(START) == 1.0
    active.count(START)
    assert active.strictness(START) == 1.0, "one alarm a month is what there may be"
    for _ in range(3):
        active.count(START)
    assert active.strictness(START) == pytest.approx(1 + STRICTER * (4 - FREE))
    assert msgspec.convert(msgspec.to_builtins(active), ActiveFindings).strictness(START) == active.strictness(START)
    assert active.strictness(START + 2 * MEMORY_MIN) == 1.0


@pytest.mark.parametrize("rise_h", [0, 6], ids=["at once", "over hours"])
def test_after_many_leaks_no_method_raises_what_it_would_have_raised(learnt: Criteria, rise_h: int) -> None:
    """A step (PREDICT), a slow rise (VALUE), and in both the nights that follow (NIGHT)."""
    rows = days(6)
    for part in range(max(1, rise_h)):
        burst(rows, 2 * DAY + HALF_DAY + part * 60, len(rows.flow), 0.3 / max(1, rise_h))
    usual, _ = detect(learnt, rows)
    assert "LEAK" in [one.code for one in usual if one.state == "raise"]
    detector = Detector("001", learnt, UTC)
    for _ in range(300):
        detector.log.active.count(rows.first)
    found = [
        finding.code
        for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True))
        for finding in detector.step(rows.first + place, flow, pressure).findings
    ]
    assert "LEAK" not in found
    assert {"VAL-HIGH", "NGT-JUMP"} <= set(found), "it is watched all the same"
