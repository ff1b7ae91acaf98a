"""NIGHT's baseline restarts after each shift, so a leak is seen whatever else is known to leak."""

import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from outliers.criteria import NightUse
from outliers.flicker import SteadyFlow
from outliers.learn.night_minimum import weekday_m3h
from outliers.night_reference import night_spread
from outliers.watch.active import ActiveFindings, Leak
from outliers.watch.night_rule import shift_leak
from outliers.watch.night_shift import NightLevels, NightShift, Rise

MEAN = 100.0
WEEKEND = (0.0, 0.0, 0.0, 0.0, 12.0, 12.0, 0.0)  # Friday and Saturday mornings, m3/h
USE = NightUse((), 2.0, 3.2, 8.0, weekday_m3h=WEEKEND, change_m3h=1.0)
DAY = 1440


def nights(*levels: tuple[float, int]) -> list[float]:
    """Of one level (m3/h) for so many nights, then the next, from a Monday on; each varies by 1 m3/h."""
    chance = random.Random(3)
    flows = [level for level, count in levels for _ in range(count)]
    return [flow + WEEKEND[place % 7] + chance.gauss(0.0, 1.0) for place, flow in enumerate(flows)]


def rises(
    flows: list[float], use: NightUse = USE, missing: range = range(0), shift: NightShift | None = None
) -> list[tuple[int, Rise]]:
    shift = shift or NightShift(use, MEAN)
    there = ((place, flow) for place, flow in enumerate(flows) if place not in missing)
    seen = ((place, shift.on_night(place * DAY, flow, place % 7)) for place, flow in there)
    return [(place, rise) for place, rise in seen if rise is not None]


def test_the_third_of_several_leaks_is_as_visible_as_the_first() -> None:
    found = rises(nights((50.0, 30), (58.0, 10), (66.0, 10), (74.0, 10)))
    assert [place for place, _ in found] == [31, 41, 51]
    assert all(abs(rise.rise_m3h - 8.0) < 2.5 for _, rise in found)


def test_a_burst_soon_after_a_repair_is_seen() -> None:
    found = rises(nights((50.0, 30), (70.0, 15), (50.0, 2), (70.0, 5)))
    assert [(place, rise.rise_m3h > 0) for place, rise in found] == [(31, True), (46, False), (48, True)]


def test_one_high_night_is_no_shift() -> None:
    assert not rises(nights((50.0, 30), (80.0, 1), (50.0, 20)))


def test_one_very_high_night_does_not_make_many_of_a_few() -> None:
    """The nights before it belong to the old level."""
    found = rises(nights((50.0, 30), (51.0, 5), (95.0, 4)))
    assert [(place, rise.nights) for place, rise in found] == [(36, 2)]


def test_the_nights_before_a_free_day_are_no_shift() -> None:
    flows = nights((50.0, 120))
    assert not rises(flows)
    assert rises(flows, NightUse((), 2.0, 3.2, 8.0, weekday_m3h=(0.0,) * 7, change_m3h=1.0))


def test_criteria_of_an_older_version_say_nothing() -> None:
    assert not rises(nights((50.0, 30), (90.0, 10)), NightUse((), 2.0, 3.2, 8.0))


def test_nights_that_vary_more_than_the_archive_need_a_larger_rise() -> None:
    chance = random.Random(1)
    restless = [50.0 + chance.gauss(0.0, 6.0) for _ in range(60)]
    found = rises(restless, NightUse((), 2.0, 3.2, 8.0, weekday_m3h=(0.0,) * 7, change_m3h=1.0))
    assert not [place for place, _ in found if place > 30]


def test_a_kept_state_goes_on_as_if_nothing_had_happened() -> None:
    flows = nights((50.0, 30), (58.0, 10))
    whole, parted = NightShift(USE, MEAN), NightShift(USE, MEAN)
    for place, flow in enumerate(flows):
        kept = msgspec.json.decode(msgspec.json.encode(parted.state), type=NightLevels)
        parted = NightShift(USE, MEAN, kept)
        assert whole.on_night(place * DAY, flow, place % 7) == parted.on_night(place * DAY, flow, place % 7)


def test_a_rise_over_missing_nights_may_have_begun_in_each_of_them() -> None:
    ((place, rise),) = rises(nights((50.0, 30), (58.0, 20)), missing=range(30, 38))
    assert (place, rise.nights, rise.since, rise.first) == (39, 2, 29 * DAY, 38 * DAY)


def test_nights_before_a_long_gap_are_no_baseline() -> None:
    """In weeks without a night the use changes with the season."""
    assert not rises(nights((50.0, 30), (58.0, 30)), missing=range(30, 42))
    assert rises(nights((50.0, 30), (50.0, 20), (58.0, 5)), missing=range(30, 42)), "it starts anew"


def test_a_clock_that_was_set_back_starts_anew() -> None:
    shift = NightShift(USE, MEAN)
    rises(nights((50.0, 30)), shift=shift)
    assert not rises(nights((58.0, 10)), shift=shift)


def test_a_state_whose_nights_have_no_ends_starts_anew() -> None:
    kept = msgspec.json.decode(b'{"nights": [50.0, 50.5, 49.5], "changes": [0.5, 1.0]}', type=NightLevels)
    shift = NightShift(USE, MEAN, kept)
    assert (shift.state.nights, shift.state.changes) == ([], [0.5, 1.0])


def test_an_accepted_leak_is_usual_from_its_beginning_on_and_not_from_as_many_nights_ago() -> None:
    shift = NightShift(USE, MEAN)
    rises(nights((50.0, 30), (52.0, 20)), missing=range(31, 40), shift=shift)
    shift.restart(30 * DAY - 600)
    assert shift.state.ends == [place * DAY for place in (30, *range(40, 50))]


def test_nights_that_a_wrong_meter_has_measured_are_forgotten() -> None:
    shift = NightShift(USE, MEAN)
    rises(nights((50.0, 30)), shift=shift)
    shift.forget(26 * DAY)
    assert shift.state.ends[-1] == 26 * DAY and len(shift.state.ends) == len(shift.state.nights)


def test_what_each_day_of_the_week_is_usually_higher_by_survives_leaks_in_the_archive() -> None:
    flows = nights((50.0, 60), (90.0, 20), (50.0, 60), (70.0, 40))
    kinds = [place % 7 for place in range(len(flows))]
    learnt = np.array(weekday_m3h(kinds, np.array(flows)))
    assert learnt - learnt[0] == pytest.approx(WEEKEND, abs=1.0)
    even = [flow - learnt[kind] for kind, flow in zip(kinds, flows, strict=True)]
    assert night_spread(np.abs(np.diff(even)).tolist()) == pytest.approx(1.0, abs=0.3)


# what is made of a rise

NOW = 100 * DAY
RISE = Rise(50.0, 20.0, 1.0, nights=2, since=NOW - 2 * DAY, first=NOW - DAY)


def leak(active: ActiveFindings, rise: Rise = RISE, steady: SteadyFlow | None = None) -> float | None:
    found = shift_leak(NOW, rise, active, steady, MEAN)
    return None if found is None else found.leak.size * MEAN


def known(size_m3h: float, raised: int) -> Leak:
    return Leak("PREDICT", raised, raised - 60, size_m3h / MEAN, 0.0)


def test_a_leak_that_is_known_is_not_told_again() -> None:
    assert leak(ActiveFindings(leak=known(18.0, NOW - DAY))) is None
    assert leak(ActiveFindings(leak=known(11.0, NOW - DAY))) is None, "its size is known to within half of it"


def test_a_second_leak_of_the_same_nights_is_told_with_its_own_size() -> None:
    assert leak(ActiveFindings(leak=known(8.0, NOW - DAY))) == pytest.approx(12.0)


def test_leaks_of_older_nights_are_in_the_baseline() -> None:
    assert leak(ActiveFindings(leak=known(60.0, NOW - 9 * DAY))) == pytest.approx(20.0)


def test_a_rise_that_flickers_like_use_is_no_leak() -> None:
    active = ActiveFindings(leak=known(60.0, NOW - 9 * DAY))
    assert leak(active, steady=SteadyFlow(0.0, 0.01)) is None
    assert leak(active, steady=SteadyFlow(0.2, 0.01)) == pytest.approx(20.0)


def test_where_nothing_leaks_the_nights_alone_must_be_surer() -> None:
    small = replace(RISE, rise_m3h=5.5)
    assert leak(ActiveFindings(), small) is None
    assert leak(ActiveFindings(leak=known(60.0, NOW - 9 * DAY)), small) == pytest.approx(5.5)
    assert leak(ActiveFindings(), replace(RISE, rise_m3h=6.5)) == pytest.approx(6.5)


def test_a_leak_that_was_raised_in_missing_nights_is_known() -> None:
    over_a_gap = replace(RISE, since=NOW - 9 * DAY)
    assert leak(ActiveFindings(leak=known(18.0, NOW - 8 * DAY)), over_a_gap) is None
    found = shift_leak(NOW, over_a_gap, ActiveFindings(), None, MEAN)
    assert found is not None and found.leak.since == NOW - 2 * DAY, "what leaked in them is not known"
