"""Leaks in an archive teach nothing."""

import numpy as np
import pytest
from outlier_site import DAY, LEARN_DAYS, RESTLESS_M3H, START, UTC, burst, days, history

from outliers import criteria as stored
from outliers.backtest import judge
from outliers.calendar import Occasions
from outliers.criteria import Criteria, FlowUse
from outliers.learn import without_leaks
from outliers.learn.build import History, build
from outliers.learn.exclude import BEGUN_ROWS
from outliers.watch.detector import Detector

ARCHIVE_DAYS = 120


def learnt_from(rows: History) -> FlowUse:
    use = build(rows, UTC, stored.initial("001")).use
    assert use is not None
    return use


def archive(share: float, count: int = ARCHIVE_DAYS) -> History:
    """With leaks of a week, a third of the time."""
    rows = history(count, restless=RESTLESS_M3H)
    for day in range(20, count - 10, 21):
        burst(rows, day * DAY, (day + 7) * DAY, share)
    return rows


def test_leaks_in_the_archive_neither_raise_the_limit_nor_pass_for_wander() -> None:
    clean, leaky = learnt_from(archive(0.0)), learnt_from(archive(0.04))
    assert leaky.long_score < 1.15 * clean.long_score
    assert clean.texture is not None and leaky.texture is not None
    assert leaky.texture.wander < 1.5 * clean.texture.wander


def test_an_archive_is_not_left_without_a_texture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(without_leaks, "leaks", lambda walked: np.arange(len(walked.since)) > 300)
    assert learnt_from(archive(0.0, LEARN_DAYS)).texture is not None


def test_the_day_before_a_leak_was_raised_teaches_nothing(restless: Criteria) -> None:
    rows = days(5, restless=RESTLESS_M3H)
    burst(rows, 3 * DAY, 5 * DAY, 0.4)
    clean = History(rows.first, rows.flow.copy(), rows.pressure.copy())
    found = list(judge(rows, Detector("001", restless, UTC), Occasions(), clean=clean))
    (leak,) = (one.minute - rows.first for one in found if one.severity == "leak" and one.state == "raise")
    assert not np.isfinite(clean.flow[leak - BEGUN_ROWS : leak + 60]).any()
    assert np.isfinite(clean.flow[: leak - BEGUN_ROWS]).all()
    assert np.isfinite(clean.pressure).all()
    assert rows.first == START + LEARN_DAYS * DAY and np.isfinite(rows.flow).all()
