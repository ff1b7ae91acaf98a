"""Hours without a value say nothing: they raise no LEAK and end none; nor does what changed while no row came."""

from collections.abc import Iterator

import numpy as np
import pytest
from outlier_site import DAY, LEARN_DAYS, START, burst, detect, history

from outliers.criteria import Criteria
from outliers.findings import Finding
from outliers.learn.build import History
from outliers.watch.step_change import StepWatch

BEGIN, REPAIRED, HOUR = 2 * DAY + 9 * 60, 10 * DAY + 9 * 60, 60
GAP_H = 5


def leaking(share: float = 0.06) -> History:
    """Too small for its end to be seen within minutes."""
    rows = history(14, seed=14, first=START + LEARN_DAYS * DAY)
    burst(rows, BEGIN, REPAIRED, share)
    return rows


def leaks(found: list[Finding], rows: History) -> list[tuple[str, int]]:
    return [(one.state, one.minute - rows.first) for one in found if one.code == "LEAK"]


@pytest.fixture(scope="module")
def plain(learnt: Criteria) -> list[tuple[str, int]]:
    rows = leaking()
    return leaks(detect(learnt, rows)[0], rows)


def test_hours_without_a_flow_raise_nothing(learnt: Criteria, plain: list[tuple[str, int]]) -> None:
    """The hour before would have been followed by one that raises it."""
    ((_, raised), _) = plain
    rows = leaking()
    rows.flow[raised - HOUR + 1 : raised + GAP_H * HOUR] = np.nan
    ((_, later), _) = leaks(detect(learnt, rows)[0], rows)
    assert raised + GAP_H * HOUR < later <= raised + DAY


def test_hours_without_a_flow_end_nothing(learnt: Criteria, plain: list[tuple[str, int]]) -> None:
    (_, (_, cleared)) = plain
    rows = leaking()
    rows.flow[cleared - HOUR + 1 : cleared + GAP_H * HOUR] = np.nan
    found, _ = detect(learnt, rows)
    (_, (_, later)) = leaks(found, rows)
    assert cleared + GAP_H * HOUR < later <= cleared + DAY
    (end,) = (one.until for one in found if one.code == "LEAK" and one.state == "clear")
    assert end is not None and abs(end - rows.first - REPAIRED) < cleared - REPAIRED


def residuals(watch: StepWatch, *spans: tuple[int, int, float]) -> Iterator[bool]:
    """Whether the flow has dropped, after each row of spans of minutes at which the residual is so many limits."""
    for first, end, limits in spans:
        for minute in range(first, end):
            watch.on_row(minute, limits * watch.watch_limit)
            yield watch.dropped()


@pytest.fixture
def steps(learnt: Criteria) -> StepWatch:
    assert learnt.use is not None
    watch = StepWatch(learnt.use)
    watch.set_limits(12, 1.0)
    return watch


def test_a_fall_over_a_gap_counts_less_until_the_base_is_new(steps: StepWatch) -> None:
    assert not any(residuals(steps, (0, 120, 0.0), (180, 270, -1.3)))
    assert any(residuals(steps, (270, 290, -2.6)))


def test_the_same_fall_from_row_to_row_is_one(steps: StepWatch) -> None:
    assert any(residuals(steps, (0, 120, 0.0), (120, 140, -1.3)))


def test_a_large_fall_over_a_gap_is_seen_at_once(steps: StepWatch) -> None:
    assert any(residuals(steps, (0, 120, 0.0), (180, 190, -2.5)))


def test_a_flow_that_stays_low_over_a_gap_has_not_dropped(steps: StepWatch) -> None:
    """Before the gap it was far below its forecast, so it begins anew after it."""
    list(residuals(steps, (0, 120, 0.0), (120, 300, -1.5)))
    assert not any(residuals(steps, (360, 460, -1.5)))
