"""A flow that stays below its usual for days is said, and is neither a leak nor a fault."""

import re
from dataclasses import replace

from outlier_site import DAY, MEAN_M3H, days, detect

from outliers.criteria import Criteria
from outliers.findings import Finding
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
    assert "below the usual" in raised.reason
    assert 0 < cleared.minute - rows.first - 8 * DAY - 600 < 3 * DAY
    assert flags[6 * DAY][1] == "F"
    assert flags[-1][1] == "0"
    assert "SYS-METER" not in {one.code for one in found}


def test_it_says_whether_the_meter_is_right(learnt: Criteria) -> None:
    assert learnt.scale is not None
    lively = replace(learnt, scale=replace(learnt.scale, error2=learnt.scale.error2 / 20, limit=99.0))
    rows = days(6)
    fall(rows, 3 * DAY, 6 * DAY, 0.25)
    assert "so the meter is right" in low(detect(lively, rows)[0])[0].reason
    rows = days(6)
    rows.flow[3 * DAY :] *= 0.75
    reason = low(detect(lively, rows)[0])[0].reason
    share = re.search(r"as if the meter read (-?\d+)% too little", reason)
    assert share is not None and 0 < int(share[1]) <= 30, reason


def test_a_quiet_day_is_no_fall(learnt: Criteria) -> None:
    rows = days(7)
    fall(rows, 2 * DAY, 3 * DAY, 0.2)
    assert low(detect(learnt, rows)[0]) == []


def test_without_pressure_it_says_that_it_may_be_the_meter(learnt: Criteria) -> None:
    rows = days(8)
    fall(rows, 3 * DAY, 8 * DAY, 0.25)
    found, _ = detect(replace(learnt, scale=None), rows)
    assert "not confirmable by pressure" in low(found)[0].reason


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
