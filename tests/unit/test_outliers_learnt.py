"""Learnt criteria: their file, the site's zone, too few weeks, and what stays up when new ones come."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from outlier_site import DAY, LEARN_DAYS, START, UTC, burst, days, history

from common.errors import CriteriaUnusable
from outliers.criteria import Criteria, from_text, initial, to_text
from outliers.findings import Finding
from outliers.learn.build import History, build
from outliers.learn.exclude import Taught
from outliers.watch.detector import Detector


def test_new_criteria_keep_what_is_up(learnt: Criteria) -> None:
    rows = days(3)
    burst(rows, DAY + 600, 3 * DAY, 0.3)
    detector = Detector("001", learnt, UTC)
    cut = 2 * DAY
    for place in range(cut):
        detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
    detector = Detector("001", replace(learnt, version=2), UTC, detector.state())
    found: list[Finding] = []
    for place in range(cut, 3 * DAY):
        verdict = detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
        found += verdict.findings
    assert found == []
    assert "L" in verdict.flow_flags


def test_criteria_survive_their_file(learnt: Criteria) -> None:
    text = to_text(learnt)
    again = from_text(text)
    assert to_text(again) == text
    assert len(text) < 40_000
    assert again.use is not None and learnt.use is not None
    assert again.use.profile_m3h[3][30] == pytest.approx(learnt.use.profile_m3h[3][30], rel=1e-5)


@pytest.mark.parametrize("zone", ["Europe/Rome", "Asia/Kolkata"])
def test_it_works_in_the_local_time_of_the_site(zone: str) -> None:
    """The archive holds a change to summer time in Rome, and the days that follow a night of their own."""
    site = ZoneInfo(zone)
    criteria = replace(build(history(84, zone=site), site, initial("001")), version=1)
    assert criteria.use is not None and criteria.night is not None
    peak = max(range(96), key=criteria.use.profile_m3h[2].__getitem__) / 4
    rows = history(3, seed=2, first=START + 84 * DAY, zone=site)
    assert 18 <= peak <= 20
    detector = Detector("001", criteria, site)
    found: list[Finding] = []
    for place in range(3 * DAY):
        found += detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place])).findings
    assert [one.code for one in found if one.severity == "leak"] == []
    assert detector.watch is not None and detector.watch.night is not None
    assert len(detector.watch.night.state.nights) == 27


def test_less_than_eight_clean_weeks_are_refused() -> None:
    rows = history(LEARN_DAYS)
    rows.flow[: 20 * DAY] = np.nan
    with pytest.raises(CriteriaUnusable, match="clean weeks"):
        build(rows, UTC, initial("001"))
    rows.flow[:] = rows.pressure[:] = np.nan
    with pytest.raises(CriteriaUnusable, match=r"only 0\.0 clean weeks"):
        build(rows, UTC, initial("001"))


def test_what_system_flags_and_what_a_leak_adds_is_not_learnt_from() -> None:
    rows = History(START, np.full(2000, 8.0), np.full(2000, 4.0))
    taught = Taught(rows)
    said = {3: ("S000", "000"), 5: ("0W0J", "R00"), 7: ("0w00", "00P"), 1800: ("00L0", "000"), 1801: ("0000", "000")}
    for place in range(1802):
        taught.row(START + place, *said.get(place, ("0000", "000")))
    left_out = np.flatnonzero(np.isnan(rows.flow)).tolist()
    assert left_out == [3, *range(360, 1801)], "a stuck value; a LEAK, and the day before it was raised"
    assert np.flatnonzero(np.isnan(rows.pressure)).tolist() == [5]
