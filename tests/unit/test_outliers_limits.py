"""What the archive teaches: holidays that nobody has told of, wild hours of the week, steps of several lengths."""

from dataclasses import replace

import numpy as np
import pytest
from outlier_site import MEAN_M3H, START, UTC, history

from outliers.backtest import rehearse
from outliers.calendar import Occasions
from outliers.criteria import Criteria
from outliers.learn.day_kinds import Calendar
from outliers.learn.flow import with_holidays
from outliers.learn.rolling import by_slot
from outliers.rules import STEP_BLOCK_ROWS, STEP_LASTING_MIN, SUNDAY
from outliers.watch.detector import default_criteria
from outliers.watch.evidence import Change
from outliers.watch.step_change import KEPT_BLOCKS, StepWatch

DAY = 1440
WEEKS = 26


def slots(weeks: int) -> np.ndarray:
    return np.tile(np.arange(168), weeks)


def test_a_working_day_that_goes_like_a_sunday_is_one() -> None:
    rows = history(70)
    calendar = Calendar.of(rows.first, len(rows.flow), UTC, ())
    hours = np.arange(DAY) / 60
    late = 1 + 0.5 * np.exp(-(((hours - 10) / 1.5) ** 2)) - 0.35 * np.exp(-(((hours - 7) / 1.5) ** 2))
    for day in [*range(6, 70, 7), 30]:  # the Sundays, and a Wednesday
        rows.flow[day * DAY : (day + 1) * DAY] *= late
    read = with_holidays(rows.flow, calendar)
    changed = np.flatnonzero(read.kind[::DAY] != calendar.kind[::DAY])
    assert changed.tolist() == [30]
    assert read.kind[30 * DAY] == SUNDAY


def test_where_all_days_are_alike_none_is_a_holiday() -> None:
    rows = history(70)
    calendar = Calendar.of(rows.first, len(rows.flow), UTC, ())
    assert (with_holidays(rows.flow, calendar).kind == calendar.kind).mean() > 0.97


def test_a_wild_hour_of_the_week_has_its_own_spread() -> None:
    random = np.random.default_rng(4)
    slot = slots(WEEKS)
    values = random.normal(0, 1, len(slot))
    values[slot == 26] *= 6  # Tuesday, 02:00
    spread = by_slot(values, slot)
    assert spread[26] > 3.5
    assert spread[26 + 3 * 24] == pytest.approx(1, abs=0.35)
    assert spread[60:160].mean() == pytest.approx(1, abs=0.1)


def test_a_slot_without_values_has_the_spread_of_its_hour() -> None:
    values = np.random.default_rng(5).normal(0, 2, 168 * WEEKS)
    values[slots(WEEKS) == 100] = np.nan
    assert by_slot(values, slots(WEEKS))[100] > 1


def test_limits_follow_the_hour_of_the_week_and_the_level(learnt: Criteria) -> None:
    use = learnt.use
    assert use is not None and len(use.step_spread_m3h) == len(use.hours.spread) == 168
    watch = StepWatch(use)
    watch.set_limits(30, 1.0)
    usual = watch.watch_limit, *watch.window_limits, watch.lasting_spread
    watch.set_limits(30, 1.5)
    assert (watch.watch_limit, *watch.window_limits, watch.lasting_spread) == pytest.approx(
        [1.5 * one for one in usual]
    )
    watch.set_limits(30, -1.0)
    assert watch.watch_limit > 0


@pytest.fixture
def watch(learnt: Criteria) -> StepWatch:
    """Limits of 10, 6, 4, 3 m3/h, and 4 m3/h for a step that lasts."""
    assert learnt.use is not None
    even = replace(
        learnt.use,
        step_spread_m3h=(1.0,) * 168,
        lasting_spread_m3h=(1.0,) * 168,
        step_watch=(10.0, 6.0, 4.0, 3.0),
        step_leak=4.0,
    )
    made = StepWatch(even)
    made.set_limits(0, 1.0)
    for minute in range(KEPT_BLOCKS * STEP_BLOCK_ROWS):
        assert made.on_row(minute, 0.0) is Change.NONE
    return made


@pytest.mark.parametrize(("size", "soonest", "latest"), [(20.0, 1, 3), (7.0, 6, 12), (4.5, 15, 22), (3.5, 25, 37)])
def test_a_smaller_step_takes_a_longer_window(watch: StepWatch, size: float, soonest: int, latest: int) -> None:
    first = KEPT_BLOCKS * STEP_BLOCK_ROWS
    taken = next(rows for rows in range(1, 60) if watch.on_row(first + rows, size) is Change.BEGAN)
    assert soonest <= taken <= latest
    assert watch.state.since is not None and abs(watch.state.since - first) <= STEP_BLOCK_ROWS


def test_a_step_is_a_leak_when_it_lasts_and_its_limit_widens_with_its_age(watch: StepWatch) -> None:
    first = KEPT_BLOCKS * STEP_BLOCK_ROWS
    changes = {watch.on_row(first + rows, 4.5): rows for rows in range(1, 70)}
    assert changes[Change.LASTED] >= STEP_LASTING_MIN
    assert watch.error(first + STEP_LASTING_MIN) == pytest.approx(1.0, abs=0.02)
    assert watch.error(first + 2 * STEP_LASTING_MIN) > 1.25


def test_a_low_flow_before_a_holiday_is_known_does_not_become_a_step(learnt: Criteria) -> None:
    """The morning of an unknown holiday: when the day is read as a Sunday its criterion changes, the flow does not."""
    assert learnt.use is not None
    watch = StepWatch(learnt.use)
    watch.set_limits(8, 1.0)
    low = -0.3 * MEAN_M3H  # against the working day's criterion
    for minute in range(KEPT_BLOCKS * STEP_BLOCK_ROWS):
        watch.on_row(START + minute, low)
    watch.rebase(low)  # the Sunday's criterion is lower by as much
    assert [watch.on_row(START + 200 + minute, 0.0) for minute in range(60)] == [Change.NONE] * 60


@pytest.mark.parametrize("seed", [3, 8])
def test_limits_from_few_weeks_leave_usual_weeks_in_peace(seed: int) -> None:
    days, judged = 74, 14
    rows = history(days, seed=seed)
    learn_end = rows.first + (days - judged) * DAY
    found = rehearse(rows, default_criteria("001"), learn_end, UTC, known=Occasions(), alarms_per_month=0.3)
    assert [one for one in found if one.code == "LEAK"] == []
