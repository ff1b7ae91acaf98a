"""Times of day at which an archive has nothing: what is learnt is whole all the same, and not believed if it is not."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outlier_site import DAY, LEARN_DAYS, UTC, history

from common.errors import CriteriaUnusable
from outliers.criteria import Criteria, from_text, initial, store, to_text
from outliers.learn.build import build

MINUTE = np.arange(LEARN_DAYS * DAY)
AT_THREE = MINUTE // 15 % 96 == 12
GAPS = {
    "a meter that starts again each day": AT_THREE,
    "one that does so each Monday": AT_THREE & (MINUTE // DAY % 7 == 0),
    "an hour of silence each night": MINUTE // 60 % 24 == 3,
}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_times_at_which_nothing_ever_comes_lie_between_their_neighbours(learnt: Criteria, gap: np.ndarray) -> None:
    rows = history(LEARN_DAYS)
    rows.flow[gap] = rows.pressure[gap] = np.nan
    built = from_text(to_text(build(rows, UTC, initial("001"))))
    assert built.use is not None and learnt.use is not None
    assert built.pressure_use is not None and learnt.pressure_use is not None
    assert built.pressure_use.still_bar == pytest.approx(learnt.pressure_use.still_bar, abs=0.03)
    for day, usual in zip(built.use.profile_m3h, learnt.use.profile_m3h, strict=True):
        assert day == pytest.approx(usual, rel=0.03)


@pytest.mark.parametrize(("part", "name"), [("pressure_use", "still_bar"), ("night", "weekday_m3h")])
def test_a_file_with_what_is_no_number_is_refused(learnt: Criteria, part: str, name: str) -> None:
    body = json.loads(to_text(learnt))
    body[part][name][3] = None
    with pytest.raises(CriteriaUnusable):
        from_text(json.dumps(body))


def test_a_night_without_all_days_of_the_week_is_refused(learnt: Criteria) -> None:
    assert learnt.night is not None
    broken = replace(learnt, night=replace(learnt.night, weekday_m3h=learnt.night.weekday_m3h[:6]))
    with pytest.raises(CriteriaUnusable):
        from_text(to_text(broken))
    older = replace(learnt, night=replace(learnt.night, weekday_m3h=(), change_m3h=0.0))
    assert from_text(to_text(older)).night is not None


def test_what_nobody_could_read_is_not_stored(learnt: Criteria, tmp_path: Path) -> None:
    assert learnt.use is not None
    with pytest.raises(CriteriaUnusable):
        store(tmp_path, replace(learnt, use=replace(learnt.use, long_score=math.nan)))
    assert not list(tmp_path.iterdir())
