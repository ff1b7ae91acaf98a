"""A flow that stays below its usual for days is said, and is neither a leak nor a fault."""

from dataclasses import replace

import pytest
from outlier_site import DAY, MEAN_M3H, days, detect

from outliers.criteria import Criteria
from outliers.findings import Finding, Note
from outliers.learn.build import History


def fall(rows: History, first: int, last: int, share: float) -> None:
    """Take a `share` of the flow away; the pressure rises by what it cost."""
    part = slice(first, last)
    before = rows.flow[part].copy()
    rows.flow[part] *= 1 - share
    rows.pressure[part] += 0.3 * ((before / MEAN_M3H) ** 1.85 - (rows.flow[part] / MEAN_M3H) ** 1.85)


def low(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.code == "VAL-LOW"]


def test_a_fall_of_days_is_said_once_with_its_size_and_ends_when_the_flow_is_back(learnt: Criteria) -> None:
    rows = days(12)
    fall(rows, 3 * DAY + 600, 8 * DAY + 600, 0.25)
    found, flags = detect(learnt, rows)
    raised, cleared = low(found)
    assert (raised.kind, raised.severity, raised.state, cleared.state) == ("supply", "watch", "raise", "clear")
    assert 0.5 * DAY < raised.minute - rows.first - 3 * DAY - 600 < 3 * DAY
    assert 0 < raised.numbers["share"] < 0.25 and 0 < raised.numbers["error_m3h"] < raised.numbers["fall_m3h"]
    assert raised.numbers["fall_m3h"] == pytest.approx(raised.numbers["share"] * MEAN_M3H, rel=0.1)
    assert 0 < cleared.minute - rows.first - 8 * DAY - 600 < 3 * DAY
    assert flags[6 * DAY][1] == "F"
    assert flags[-1][1] == "0"
    assert "SYS-METER" not in {one.code for one in found}


def test_it_says_whether_the_meter_is_right(learnt: Criteria) -> None:
    assert learnt.scale is not None
    lively = replace(learnt, scale=replace(learnt.scale, error2=learnt.scale.error2 / 20, limit=99.0))
    rows = days(6)
    fall(rows, 3 * DAY, 6 * DAY, 0.25)
    right = low(detect(lively, rows)[0])[0]
    assert right.notes == [Note.PRESSURE_AGREES] and "meter_share" not in right.numbers
    rows = days(6)
    rows.flow[3 * DAY :] *= 0.75
    wrong = low(detect(lively, rows)[0])[0]
    assert wrong.notes == [Note.PRESSURE_BLAMES_METER]
    assert -0.3 < wrong.numbers["meter_share"] < 0


def test_a_quiet_day_is_no_fall(learnt: Criteria) -> None:
    rows = days(7)
    fall(rows, 2 * DAY, 3 * DAY, 0.2)
    assert low(detect(learnt, rows)[0]) == []


def test_without_pressure_it_says_that_it_may_be_the_meter(learnt: Criteria) -> None:
    rows = days(8)
    fall(rows, 3 * DAY, 8 * DAY, 0.25)
    found, _ = detect(replace(learnt, scale=None), rows)
    assert low(found)[0].notes == [Note.PRESSURE_UNKNOWN]


def test_a_meter_that_reads_too_little_is_a_fault_and_no_fall(learnt: Criteria) -> None:
    rows = days(9)
    rows.flow[3 * DAY :] *= 0.75
    found, flags = detect(learnt, rows)
    assert "SYS-METER" in {one.code for one in found if one.state == "raise"}
    assert flags[-1][:2] == "B0"


def test_a_restart_while_the_flow_is_low_changes_nothing(learnt: Criteria) -> None:
    rows = days(8)
    fall(rows, 2 * DAY, 6 * DAY, 0.25)
    whole = detect(learnt, rows)
    raised = low(whole[0])[0].minute - rows.first
    assert detect(learnt, rows, restart_at=(raised, raised + 1, 7 * DAY)) == whole
