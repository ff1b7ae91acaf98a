"""What size of leak is found here, and in how long: told from the criteria, and kept by the detector."""

import json
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from outlier_site import DAY, MEAN_M3H, RESTLESS_M3H, UTC, burst, days, detect, raised

from common.errors import CriteriaUnusable
from common.folder import CRITERIA_FOLDER, DETECTORS_FILE
from common.messages import words
from outliers.criteria import Criteria, from_text, initial, load, store, to_text
from outliers.detectability import Weeks, detectability
from outliers.detectability_text import said
from outliers.findable import Detectability, Lack
from outliers.watch import found_here as found_now
from outliers.watch import memory
from outliers.watch.detector import Detector
from outliers.watch.memory import SensorMemory
from server.reader import Reader
from server.sensor_screen import found_here


def of(criteria: Criteria, weeks: Weeks | None = None) -> Detectability:
    found = detectability(criteria, weeks or Weeks())
    assert found is not None
    return found


def test_the_longer_the_smaller(restless: Criteria) -> None:
    found = of(restless)
    assert min(found.hour_m3h) > found.day_m3h > found.nights_m3h > 0
    assert min(found.hour_m3h) < MEAN_M3H


def test_a_leak_of_the_size_told_is_found_in_time_and_one_of_a_quarter_is_not(restless: Criteria) -> None:
    found, start = of(restless), 17 * DAY + 12 * 60
    for size_m3h, term in ((found.hour_m3h[12], 60), (found.day_m3h, DAY)):
        for share, count in ((1.2, 1), (0.25, 0)):
            rows = days(19, restless=RESTLESS_M3H)
            rows = rows.span(rows.first, rows.first + start + term)
            burst(rows, start, start + term, share * size_m3h / MEAN_M3H)
            codes = [code for code, _, _ in raised(detect(restless, rows)[0], rows)]
            assert codes.count("LEAK") == count, (size_m3h, term, share)


def test_wild_weeks_a_high_use_and_many_leaks_make_it_more(restless: Criteria) -> None:
    usual = of(restless)
    for weeks in (Weeks(more=0.4), Weeks(stretch=1.5), Weeks(strictness=1.5)):
        found = of(restless, weeks)
        assert found.day_m3h > usual.day_m3h and found.nights_m3h >= usual.nights_m3h
        assert max(found.hour_m3h) >= max(usual.hour_m3h)
    assert max(of(restless, Weeks(more=0.4)).hour_m3h) > 1.2 * max(usual.hour_m3h)


def test_the_detector_tells_its_weeks(restless: Criteria) -> None:
    detector = Detector("001", restless, UTC)
    assert detector.weeks() == Weeks()
    rows = days(8, restless=RESTLESS_M3H, more=0.1)
    for place in range(8 * DAY):
        detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
    assert 0.05 < detector.weeks().more < 0.3


def test_what_a_site_lacks_is_said(learnt: Criteria) -> None:
    assert Lack.FLICKER in of(learnt).lacks and Lack.NIGHTS not in of(learnt).lacks
    found = of(replace(learnt, night=None))
    assert Lack.NIGHTS in found.lacks
    assert found.nights_m3h >= of(learnt).nights_m3h
    text = said(found, words("en"))
    assert "Too few nights" in text and "pulses" in text and "An estimate: only 10 weeks" in text
    assert "추정" in said(found, words("ko"))
    assert detectability(initial("001")) is None
    assert "eight weeks" in said(None, words("en"))


def test_what_is_told_is_of_the_stored_detectors_weeks(restless: Criteria, tmp_path: Path) -> None:
    store(tmp_path / CRITERIA_FOLDER, restless)
    detector = Detector("001", replace(restless, version=1), UTC)
    rows = days(1)
    detector.step(rows.first, 40.0, 4.3)
    assert found_now.found_here(tmp_path, "002", UTC, {}) is None
    as_learnt = found_now.found_here(tmp_path, "001", UTC, {})
    state = detector.state()
    state.active.often, state.active.counted = 6.0, rows.first
    memory.store(tmp_path / DETECTORS_FILE, {"001": SensorMemory(state)})
    now = found_now.found_here(tmp_path, "001", UTC, found_now.memories(tmp_path))
    assert as_learnt is not None and now is not None and now.day_m3h > 1.1 * as_learnt.day_m3h


def test_only_what_is_smaller_than_what_is_found_sooner_is_told() -> None:
    hours = tuple(3.0 + hour / 24 for hour in range(24))
    found = Detectability(hours, 2.06, 0.62, (), 26.0)
    text = "9 leaks of 10 are found: 3.0–4.0 m³/h within an hour, by the time of day, 2.1 m³/h within a day, "
    assert said(found, words("en")) == text + "0.6 m³/h within 5 nights."
    assert "within a day" not in said(replace(found, day_m3h=5.0), words("en"))
    never = replace(found, hour_m3h=(math.inf,) * 24)
    assert said(never, words("en")).startswith("9 leaks of 10 are found: 2.1 m³/h within a day")


def test_the_page_tells_what_the_file_of_the_criteria_keeps_and_no_more(learnt: Criteria, tmp_path: Path) -> None:
    reader = Reader(words("en"), UTC, datetime(2024, 8, 26, tzinfo=UTC))
    found = replace(of(learnt), hour_m3h=(math.inf, *[3.0] * 23))  # in one hour no leak is found within an hour
    store(tmp_path, replace(learnt, found=found))
    kept = load(tmp_path, "001")
    assert kept is not None and kept.found is not None and kept.found.hour_m3h == found.hour_m3h
    assert kept.found.lacks == found.lacks
    told = found_here(kept, reader)
    assert told is not None and told["last"] == learnt.last
    assert told["said"] == said(kept.found, words("en"))
    assert found_here(replace(learnt, found=None), reader) is None  # of an older version
    nothing = found_here(None, reader)
    assert nothing == found_here(initial("001"), reader) == {"said": said(None, words("en")), "last": ""}


@pytest.mark.parametrize("damage", [{"hour_m3h": [1.0]}, {"lacks": ["luck"]}, {"day_m3h": "much"}])
def test_sizes_that_cannot_be_read_are_no_criteria(learnt: Criteria, damage: dict[str, Any]) -> None:
    body = json.loads(to_text(replace(learnt, found=of(learnt))))
    body["found"] |= damage
    with pytest.raises(CriteriaUnusable):
        from_text(json.dumps(body))
