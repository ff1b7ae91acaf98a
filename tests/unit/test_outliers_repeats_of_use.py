"""A large use at the same time of the day or week is called a LEAK once; a leak at that time is found all the same."""

import pytest
from outlier_site import DAY, burst, days, detect, raised

from outliers.criteria import Criteria
from outliers.learn.build import History
from outliers.watch.repeats import MORE, MOST_USES, PERIODS_MIN, Repeats

AT, LASTS = DAY + 60, 85  # 01:00 of the second day; longer than a flushing


def used(rows: History, *after_days: int) -> History:
    """The rows with the same use, of 80 % of the mean, so many days after the first."""
    for later in (0, *after_days):
        burst(rows, AT + later * DAY, AT + later * DAY + LASTS, 0.8)
    return rows


def leaks(criteria: Criteria, rows: History, restart_at: int | None = None) -> list[int]:
    """When a LEAK was raised: minutes of the rows."""
    found, _ = detect(criteria, rows, () if restart_at is None else [restart_at])
    return [minute for code, _, minute in raised(found, rows) if code == "LEAK"]


@pytest.mark.parametrize("period", [1, 7])
def test_a_use_that_comes_back_is_called_a_leak_once(learnt: Criteria, period: int) -> None:
    again = used(days(10), period)
    assert [minute // DAY for minute in leaks(learnt, again)] == [1]
    assert leaks(learnt, again, restart_at=3 * DAY) == leaks(learnt, again)
    other_day = used(days(10), 3)
    assert [minute // DAY for minute in leaks(learnt, other_day)] == [1, 4]


def test_a_leak_that_begins_at_the_time_of_a_use_is_raised_when_it_outlasts_it(learnt: Criteria) -> None:
    rows = used(days(4))
    burst(rows, AT + DAY, 4 * DAY, 0.8)
    found = leaks(learnt, rows)
    assert len(found) == 2
    assert 0 < found[1] - AT - DAY <= MORE * (LASTS + 30) + 10


def test_a_much_larger_one_is_raised_within_the_hour(learnt: Criteria) -> None:
    rows = used(days(4))
    burst(rows, AT + DAY, 4 * DAY, 2.0)
    assert leaks(learnt, rows)[1] - AT - DAY <= 60


def test_a_use_is_remembered_for_a_week_and_their_number_is_bounded() -> None:
    repeats = Repeats()
    for place in range(2 * MOST_USES):
        repeats.on_use(200 * place, 200 * place + 100, 0.5)
    assert len(repeats.uses) == MOST_USES
    repeats.on_use(10**6, 10**6 + 100, 0.5)
    assert len(repeats.uses) == 1
    assert repeats.explain(10**6 + PERIODS_MIN[1], 10**6 + PERIODS_MIN[1] + 100, 0.5)
    repeats.on_use(10**6, 10**6 + 13 * 60, 0.5)
    assert not repeats.explain(10**6 + DAY, 10**6 + DAY + 300, 0.5), "what lasts so long is no use"
