"""The scale of the flow meter: bias and drift are named, by their size; what people use, and leaks, are not."""

from dataclasses import replace

import numpy as np
import pytest
from outlier_site import DAY, burst, days, detect, history

from outliers.criteria import Criteria, from_text, to_text
from outliers.findings import Finding
from outliers.learn.build import History
from outliers.learn.meter_scale import scale_use
from outliers.meter_scale import ScaleUse
from outliers.rules import SCALE_BLOCK_MIN
from outliers.watch.meter_scale_watch import MeterScaleWatch


def meter(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.code == "SYS-METER"]


def test_the_archive_shows_how_the_pressure_answers(learnt: Criteria) -> None:
    assert learnt.scale is not None
    assert learnt.scale.slope_bar == pytest.approx(-0.3, rel=0.05)
    assert learnt.scale.scatter_bar2 == pytest.approx(0.02**2, rel=0.2)


def test_a_pressure_that_does_not_answer_tells_nothing_of_the_meter() -> None:
    rows = history(50)
    upside_down = 9.0 - rows.pressure
    assert scale_use(rows.flow, upside_down, 40.0) is None
    assert scale_use(rows.flow, np.full(len(rows.flow), np.nan), 40.0) is None


@pytest.mark.parametrize("factor", [1.12, 0.88])
def test_a_meter_that_reads_wrong_is_named_with_its_size_and_ends(learnt: Criteria, factor: float) -> None:
    rows = days(12)
    rows.flow[2 * DAY + 600 : 8 * DAY] *= factor
    found, flags = detect(learnt, rows)
    raised, cleared = meter(found)
    assert (raised.channel, raised.kind, raised.state, cleared.state) == ("flow", "fault", "raise", "clear")
    assert cleared.end == "good"
    assert raised.numbers["scale_share"] == pytest.approx(factor - 1, abs=0.04)
    assert 0 < raised.minute - rows.first - 2 * DAY - 600 < 3 * DAY
    assert 0 < cleared.minute - rows.first - 8 * DAY < 2 * DAY
    assert flags[7 * DAY][0] == "B"
    assert flags[-1] == "0000000"
    recovery = range(rows.first + 8 * DAY, rows.first + 9 * DAY)
    assert not [one for one in found if one.minute in recovery and one.kind == "leak"], "its recovery is no leak"


@pytest.mark.parametrize("share", [0.1, -0.1])
def test_a_meter_that_drifts_is_the_one_named_and_the_gauge_is_not(learnt: Criteria, share: float) -> None:
    rows = days(14)
    rows.flow[2 * DAY : 12 * DAY] *= 1 + np.linspace(0, share, 10 * DAY)
    found, _ = detect(learnt, rows)
    assert [one.state for one in meter(found)] == ["raise", "clear"]
    assert "SYS-DRIFT" not in {one.code for one in found}
    assert meter(found)[0].numbers["scale_share"] * share > 0


def test_a_leak_and_a_warm_week_are_paid_for_and_leave_the_meter_believed(learnt: Criteria) -> None:
    for share in (0.3, -0.2):
        rows = days(9)
        whole = History(rows.first, rows.flow.copy(), rows.pressure.copy())
        rows.flow[2 * DAY :] *= 1 + share
        rows.pressure[2 * DAY :] -= 0.3 * ((rows.flow[2 * DAY :] / 40) ** 1.85 - (whole.flow[2 * DAY :] / 40) ** 1.85)
        assert meter(detect(learnt, rows)[0]) == []
    rows = days(9)
    burst(rows, 2 * DAY, 9 * DAY, 0.3)
    assert meter(detect(learnt, rows)[0]) == []


def test_a_large_burst_is_a_leak_also_while_the_meter_is_wrong(learnt: Criteria) -> None:
    rows = days(9)
    burst(rows, 6 * DAY + 600, 9 * DAY, 0.5)
    rows.flow[2 * DAY :] *= 1.12
    found, _ = detect(learnt, rows)
    assert [one.state for one in meter(found)] == ["raise"]
    leaks = [one for one in found if one.code == "LEAK" and one.minute > meter(found)[0].minute]
    assert [one.state for one in leaks] == ["raise"]
    assert 0 < leaks[0].minute - rows.first - 6 * DAY - 600 < 120


def test_a_restart_while_the_meter_is_wrong_changes_nothing(learnt: Criteria) -> None:
    rows = days(6)
    rows.flow[DAY : 4 * DAY] *= 1.15
    rows.pressure[3 * DAY + 100 : 3 * DAY + 130] = np.nan
    whole = detect(learnt, rows)
    raised = meter(whole[0])[0].minute - rows.first
    places = (DAY + 7, raised - 1, raised, raised + 1, 3 * DAY + 115, 5 * DAY - 15)
    assert detect(learnt, rows, restart_at=places) == whole


def test_criteria_of_before_have_no_scale_and_judge_without(learnt: Criteria) -> None:
    assert from_text(to_text(learnt)).scale is not None
    old = to_text(replace(learnt, scale=None))
    start = old.index(' "scale"')
    older = old[:start] + old[old.index("\n", start) + 1 :]
    assert "scale" not in older
    rows = days(3)
    rows.flow[DAY:] *= 0.8
    assert meter(detect(from_text(older), rows)[0]) == []


def test_what_was_seen_before_a_gap_is_not_held_against_the_meter() -> None:
    scale = MeterScaleWatch(ScaleUse(-0.3, 1e-4, 1e-6, 4.5), 40.0)
    for minute in range(0, 6 * SCALE_BLOCK_MIN):
        if minute and minute % 15 == 0:
            scale.on_quarter_end(minute // 15 - 1, minute)
        scale.on_row(minute % 15 / 15, -0.2 * (minute % 15 / 15))  # two thirds of the usual answer
    assert scale.wrong() is not None
    since = scale.since(5 * SCALE_BLOCK_MIN)
    assert since is not None and since.size == pytest.approx(1.5 ** (1 / 1.85) - 1, abs=0.01)
    scale.on_quarter_end(6 * SCALE_BLOCK_MIN // 15 - 1, 9 * SCALE_BLOCK_MIN)
    assert scale.wrong() is None
